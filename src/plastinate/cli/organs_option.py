"""Words of a command line, in which one --organ may have several values -> words with one --organ for each.

build CT --organ heart lung liver   ->   build CT --organ heart --organ lung --organ liver
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

ORGAN = "--organ"


class SeveralOrgans(click.Command):
    """A command whose option --organ takes all organs that follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, after the organs were told from the path."""
        with_value = {
            name
            for each in self.params
            if isinstance(each, click.Option) and not each.is_flag
            for name in each.opts
        }
        return super().parse_args(ctx, one_each(args, with_value=with_value))


def one_each(words: Sequence[str], *, with_value: set[str]) -> list[str]:
    """The words with an --organ before each organ.

    What follows --organ is an organ; each further word too, once the path has been given. Before that, the
    first word that no organ is called is the path. A folder that is called like an organ goes before --organ.

    Args:
        words: after the command's name.
        with_value: the options that take one.

    >>> one_each(["CT", "--organ", "heart", "lung", "-o", "out"], with_value={"--organ", "-o"})
    ['CT', '--organ', 'heart', '--organ', 'lung', '-o', 'out']
    >>> one_each(["--organ", "heart", "lung", "CT"], with_value={"--organ"})
    ['--organ', 'heart', '--organ', 'lung', 'CT']
    """
    made: list[str] = []
    has_path = False
    left = iter(words)
    after: str | None = next(left, None)
    while after is not None:
        word, after = after, next(left, None)
        if word == "--":
            return [*made, word, *([] if after is None else [after]), *left]
        made.append(word)
        is_option = word.startswith("-") and len(word) > 1
        has_path = has_path or not is_option
        if word in with_value and after is not None:
            made.append(after)
            after = next(left, None)
        if word == ORGAN or word.startswith(f"{ORGAN}="):
            organs, after = _organs(after, left, has_path=has_path)
            made += [each for organ in organs for each in (ORGAN, organ)]
    return made


def _organs(word: str | None, left: Iterator[str], *, has_path: bool) -> tuple[list[str], str | None]:
    """The organs from this word on, and the first word that is none."""
    organs = []
    while word is not None and not word.startswith("-") and (has_path or _names_organs(word)):
        organs.append(word)
        word = next(left, None)
    return organs, word


def _names_organs(word: str) -> bool:
    from plastinate.recipes.load import is_organ

    return all(is_organ(name) for name in word.split(",") if name.strip())
