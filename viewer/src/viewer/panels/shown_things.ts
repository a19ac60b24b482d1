// What a scene is made of, in words: organs of a scan, or the models that were estimated from a picture.
import { word } from "../../page/words.ts";
import type { Estimate, Manifest } from "../model/manifest.ts";

export interface ShownThings {
  readonly all: string;
  readonly search: string;
  readonly noneOfThatName: string;
  readonly noneInSight: string;
  readonly asAtFirst: string;
  readonly cutsAll: string;
  cuts(count: number, all: number): string;
}

/** That it is a guess, and of how many pictures. */
export function estimatedFrom(estimate: Estimate | null): string {
  return estimate?.pictures === 2 ? word("Estimated from two pictures") : word("Estimated from one picture");
}

export function thingsOf({ estimate }: Pick<Manifest, "estimate">): ShownThings {
  return estimate ? models() : organs();
}

function organs(): ShownThings {
  return {
    all: word("Organs"),
    search: word("Search the organs"),
    noneOfThatName: word("No organ of that name."),
    noneInSight: word("No organ is in sight."),
    asAtFirst: word("All organs shown, in their first colours and opacity"),
    cutsAll: word("Cuts all organs"),
    cuts: (count, all) => word("Cuts {count} of {all} organs", { count, all }),
  };
}

function models(): ShownThings {
  return {
    all: word("Models"),
    search: word("Search the models"),
    noneOfThatName: word("No model of that name."),
    noneInSight: word("No model is in sight."),
    asAtFirst: word("As it looked at first"),
    cutsAll: word("Cuts all models"),
    cuts: (count, all) => word("Cuts {count} of {all} models", { count, all }),
  };
}
