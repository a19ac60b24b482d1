// What went wrong or needs saying, over the picture, in words, with what can be done.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { noticeText } from "../words.ts";
import type { Notice, ViewState } from "../state/view_state.ts";
import { Panel } from "./panel.ts";
import { SIGNS, sign } from "./signs.ts";

const MOST = 3;

export class Notices extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.notices];
  }

  protected override render(): TemplateResult {
    return html`<div class="notices" role="status">${this.state.notices.slice(-MOST).map((one) => this.notice(one))}</div>`;
  }

  private notice(notice: Notice): TemplateResult {
    const { app } = this;
    const again = notice.retry;
    const close = () => app.store.dispatch({ type: "notice-close", id: notice.id });
    const retry = () => {
      close();
      if (again) app.retry(again);
    };
    return html`<div class="message ${notice.kind}" data-notice=${notice.id}>
      <div><span>${noticeText(notice)}</span></div>
      <div class="notice-do">
        ${again ? html`<button type="button" class="button plain slim" @click=${retry}>${word("Try again")}</button>` : nothing}
        <button type="button" class="tool small" aria-label=${word("Close")} @click=${close}>${sign(SIGNS.close)}</button>
      </div>
    </div>`;
  }
}
