// A server's problem document -> the sentence and the hint that a page shows, in the reader's language.
import { wordOr } from "../page/words.ts";

export interface Problem {
  code?: string;
  detail?: string;
  hint?: string;
}

/** Both are "" where the server sent nothing to understand. */
export function refusal(problem: Problem): [sentence: string, hint: string] {
  const code = problem.code ?? "";
  return [wordOr(`error ${code}`, problem.detail ?? ""), wordOr(`hint ${code}`, problem.hint ?? "")];
}
