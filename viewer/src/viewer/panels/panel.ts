// What every panel is: an element without a shadow, drawn anew when what it shows has changed.
import { LitElement, type PropertyValues } from "lit";
import type { App } from "../app.ts";
import type { ViewState } from "../state/view_state.ts";

export abstract class Panel extends LitElement {
  app!: App;
  private shown: readonly unknown[] = [];
  private end: (() => void) | undefined;

  /** The parts of the state that it shows. */
  protected abstract shows(state: ViewState): readonly unknown[];

  protected get state(): ViewState {
    return this.app.store.state;
  }

  // The page's styles and its labels reach everything.
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.end = this.app.store.subscribe((state) => {
      const now = this.shows(state);
      if (now.some((one, index) => one !== this.shown[index])) this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.end?.();
  }

  protected override willUpdate(_: PropertyValues): void {
    this.shown = this.shows(this.state);
  }
}

/** Make one of these, for this viewer. */
export function panel<P extends Panel>(name: string, kind: new () => P, app: App): P {
  if (!customElements.get(name)) customElements.define(name, kind);
  const made = document.createElement(name) as P;
  made.app = app;
  return made;
}
