"""What the server says about itself, typed: the shapes of `web/api_about.py`, and of every problem."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Payload(BaseModel):
    """The root of every shape that goes in or out: no field that is not named."""

    model_config = ConfigDict(extra="forbid")


class Problem(Payload):
    """What went wrong (RFC 9457), with a code that never changes and a hint at what to do."""

    type: str = Field(examples=["urn:plastinate:problem:request.not-there"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["request.not-there"])
    hint: str
    where: str = Field(description="The field that was at fault; empty where none was.")


class Health(Payload):
    """The server and its database answer."""

    status: Literal["ok"]
    version: str


class Me(Payload):
    """Who asks."""

    id: str | None = Field(description="Null for somebody without an account.")
    name: str
    is_admin: bool
    via: Literal["session", "token", "link", "nobody", "system"]
    token_id: str | None = Field(description="Of the token that was sent; null without one.")


class RecipeAbout(Payload):
    """A recipe: what it is called and what it makes."""

    name: str
    title: str
    modality: str = Field(description="CT, MR, or empty for any.")
    structures: list[str]


class Recipes(Payload):
    """Every recipe that comes with the server."""

    recipes: list[RecipeAbout]


class StructureAbout(Payload):
    """A structure that can be built."""

    id: str
    name: str
    colour: tuple[int, int, int] = Field(description="sRGB, 0 to 255.")
    modalities: list[str] = Field(description="Of the scans that it can be built from.")


class Structures(Payload):
    """Every structure that a recipe makes."""

    structures: list[StructureAbout]


class FormatAbout(Payload):
    """A format that models are written in."""

    name: str
    suffix: str
    holds: Literal["scene", "organ", "labels"] = Field(
        description="One file with all organs and one for each; only one for each; or one label map."
    )


class Formats(Payload):
    """Every format, in the order of the table."""

    formats: list[FormatAbout]


class DepthNetwork(Payload):
    """A network that says how far away the places of a picture are."""

    name: str
    title: str
    licence: str = Field(description="Of what it learnt.")
    licence_url: str
    code_licence: str = Field(description="Of the code that came with it; empty where nobody has said.")
    commercial_use: bool = Field(description="Whether its licence allows it.")
    trained_on: str
    not_for: str
    is_here: bool
    may_come: bool = Field(description="It is here, or this server fetches it when it is asked for.")
    bytes_to_fetch: int = Field(description="0 where it is here.")
    needs_agreement: bool = Field(
        description="A build with it has to say agreed: true, and fetches it then; asked for once."
    )


class DepthNetworks(Payload):
    """Every such network; the usual one first."""

    networks: list[DepthNetwork]
