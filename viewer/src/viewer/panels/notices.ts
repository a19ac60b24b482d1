// What went wrong or needs saying, over the picture, in words, with what can be done.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { noticeText } from "../words.ts";
import { type Notice, type ViewState, goesByItself } from "../state/view_state.ts";
import { leaving } from "./leaving.ts";
import { Panel } from "./panel.ts";
import { SIGNS, sign } from "./signs.ts";

const MOST = 3;
const REST_MS = 8000;

export class Notices extends Panel {
  private readonly leaving = leaving<Notice>(REST_MS, ({ id }) => this.close(id));

  protected override shows(state: ViewState): readonly unknown[] {
    return [state.notices];
  }

  protected override render(): TemplateResult {
    return html`<div class="notices" role="status" @pointerenter=${this.hold} @pointerleave=${this.hold} @focusin=${this.hold} @focusout=${this.hold}>${this.state.notices.slice(-MOST).map((one) => this.notice(one))}</div>`;
  }

  protected override updated(): void {
    this.hold();
    this.leaving.see(this.state.notices.filter(goesByItself));
  }

  private hold(): void {
    this.leaving.hold(this.querySelector(".notices")?.matches(":hover, :focus-within") ?? false);
  }

  private close(id: string): void {
    this.app.store.dispatch({ type: "notice-close", id });
  }

  private notice(notice: Notice): TemplateResult {
    const { app } = this;
    const again = notice.retry;
    const close = () => this.close(notice.id);
    const retry = () => {
      close();
      if (again) app.retry(again);
    };
    return html`<div class="message ${notice.kind}" data-notice=${notice.id}>
      <div><span>${noticeText(notice)}</span></div>
      <div class="notice-do">
        ${again ? html`<button type="button" class="button plain slim" @click=${retry}>${again === "view" ? word("Load anew") : word("Try again")}</button>` : nothing}
        ${this.offer(notice)}
        <button type="button" class="tool small" aria-label=${word("Close")} @click=${close}>${sign(SIGNS.close)}</button>
      </div>
    </div>`;
  }

  private offer({ offer }: Notice): TemplateResult | typeof nothing {
    const { page, store } = this.app;
    if (offer?.kind === "share") return html`<a class="button plain slim" href=${`${page.casePage}#sharing`}>${word("Share the case")}</a>`;
    if (offer?.kind === "sign-in") return html`<a class="button slim" target="_blank" href=${page.signIn}>${word("Sign in in another tab")}</a>`;
    if (offer?.kind !== "put-back") return nothing;
    const { measurement, at } = offer;
    return html`<button type="button" class="button plain slim" data-do="put-back"
      @click=${() => store.dispatch({ type: "measure-put-back", measurement, at })}>${word("Undo")}</button>`;
  }
}
