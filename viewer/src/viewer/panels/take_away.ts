// What one can go away with: a picture, a link to this view, every file.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { size } from "../../page/measures.ts";
import { busy } from "../busy.ts";
import { toAddress } from "../state/address.ts";
import type { Notice, ViewState } from "../state/view_state.ts";
import { download, fileName } from "./download.ts";
import { Panel } from "./panel.ts";
import { makePicture } from "./picture.ts";
import { SIGNS, sign } from "./signs.ts";

export class TakeAway extends Panel {
  private isPainting = false;

  protected override shows(state: ViewState): readonly unknown[] {
    return [state.manifest];
  }

  protected override render(): TemplateResult {
    const { formats } = this.app.page.said;
    return html`<div class="stack">
      <section class="stack tight">
        <h2>${word("This view")}</h2>
        <div class="organ-do">
          <button type="button" class="button plain" data-do="picture" aria-busy=${this.isPainting} aria-disabled=${this.isPainting} @click=${this.picture}>${this.isPainting ? word("Painting ...") : word("Picture, 3840 × 2160")}</button>
          <button type="button" class="button plain" data-do="link" @click=${this.link}>${word("Copy link")}</button>
        </div>
        <p class="hint" role="status" data-painting>${this.isPainting ? word("The large picture is being made. For some seconds nothing moves here.") : nothing}</p>
        <p class="hint">${word("The link opens this very view for whoever may see the case.")}</p>
      </section>
      ${
        formats.length
          ? html`<section class="stack tight"><h2>${word("Files")}</h2>
        <ul class="formats">${formats.map(
          (one) => html`<li><a href=${one.url} download>${sign(SIGNS.take)}<span class="grow"><strong>${one.title}</strong><span class="quiet small">${one.purpose}</span>${one.packed ? html`<span class="quiet small">${one.packed}</span>` : nothing}</span>
          <span class="number quiet small">${one.size === null ? nothing : size(one.size)}</span></a></li>`,
        )}</ul></section>`
          : nothing
      }
    </div>`;
  }

  private say(key: string, kind: "good" | "bad", more: Pick<Notice, "offer"> = {}): void {
    this.app.store.dispatch({ type: "notice", notice: { id: key, key, places: {}, kind, retry: null, ...more } });
  }

  private async picture(): Promise<void> {
    if (this.isPainting) return;
    this.isPainting = true;
    busy("large-picture", true);
    this.requestUpdate();
    await this.updateComplete;
    await onTheScreen();
    try {
      download(await makePicture(this.app), fileName(this.app.page, this.state.manifest, "png"));
    } catch {
      this.say("picture-failed", "bad");
    }
    busy("large-picture", false);
    this.isPainting = false;
    this.requestUpdate();
  }

  private async link(): Promise<void> {
    history.replaceState(history.state, "", `#${toAddress(this.state)}`);
    try {
      await navigator.clipboard.writeText(location.href);
      if (this.app.page.canShare) this.say("copied-to-share", "good", { offer: { kind: "share" } });
      else this.say("copied", "good");
    } catch {
      // Without TLS there is no clipboard.
      this.say("not-copied", "good");
    }
  }
}

/** What was rendered is seen: the frame that is begun next is on the screen when the one after it begins. */
const onTheScreen = (): Promise<void> =>
  new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
