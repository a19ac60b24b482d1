// The token that shows the server that a change comes from this page.

export const csrfToken = (page: Document): string =>
  page.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content ?? "";

/** Of the session there is now: whoever signed in again has another. null: nobody is signed in any more. */
export async function freshToken(): Promise<string | null> {
  const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
  if (answer.redirected || answer.status === 401) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  const token = csrfToken(new DOMParser().parseFromString(await answer.text(), "text/html"));
  if (token) document.querySelector("meta[name=csrf-token]")?.setAttribute("content", token);
  return token || null;
}
