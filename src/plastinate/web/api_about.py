"""What the server is and can do: its health, who asks, and the recipes, structures and formats it knows."""

from __future__ import annotations

from functools import cache

from apiflask import APIBlueprint
from sqlalchemy import text

from plastinate import __version__
from plastinate.services.people import id_of_token
from plastinate.web.actor import current_actor, sent_token
from plastinate.web.app_state import archive_of_app
from plastinate.web.operations import FOR_EVERYBODY
from plastinate.web.payloads_about import (
    DepthNetwork,
    DepthNetworks,
    Formats,
    Health,
    Me,
    Recipes,
    Structures,
)

about = APIBlueprint("api_about", __name__, url_prefix="/api", tag="About")


@about.get("/health")
@about.output(Health)
@about.doc(extensions=FOR_EVERYBODY)
def health() -> Health:
    """Whether the server and its database answer."""
    with archive_of_app().database.read() as session:
        session.execute(text("SELECT 1"))
    return Health(status="ok", version=__version__)


@about.get("/me")
@about.output(Me)
def me() -> Me:
    """Who asks, as the server knows them."""
    actor = current_actor()
    token_id = id_of_token(archive_of_app(), sent_token()) if actor.via == "token" else None
    return Me(id=actor.person_id, name=actor.name, is_admin=actor.is_admin, via=actor.via, token_id=token_id)


@about.get("/recipes")
@about.output(Recipes)
@about.doc(extensions=FOR_EVERYBODY)
def recipes() -> Recipes:
    """The recipes, and the structures each of them makes."""
    return _recipes()


@about.get("/structures")
@about.output(Structures)
@about.doc(extensions=FOR_EVERYBODY)
def structures() -> Structures:
    """The structures that can be built."""
    return _structures()


@about.get("/formats")
@about.output(Formats)
@about.doc(extensions=FOR_EVERYBODY)
def formats() -> Formats:
    """The formats that models are written in."""
    return _formats()


@about.get("/depth-networks")
@about.output(DepthNetworks)
@about.doc(extensions=FOR_EVERYBODY)
def networks_for_depth() -> DepthNetworks:
    """The networks that say how far away the places of a picture are, and on whose terms."""
    from plastinate.depot.model_files import is_here
    from plastinate.services.depth_choice import depth_networks, may_come, needs_agreement

    return DepthNetworks(
        networks=[
            DepthNetwork(
                name=card.name,
                title=card.title,
                licence=card.licence,
                licence_url=card.licence_url,
                code_licence=card.code_licence,
                commercial_use=card.commercial_use,
                trained_on=card.trained_on,
                not_for=card.not_for,
                is_here=is_here(card),
                may_come=may_come(card),
                bytes_to_fetch=card.archive.bytes if card.archive and not is_here(card) else 0,
                needs_agreement=needs_agreement(card.name),
            )
            for card in depth_networks()
        ]
    )


@cache
def _recipes() -> Recipes:
    from plastinate.recipes.load import list_recipes

    return Recipes.model_validate(
        {
            "recipes": [
                {
                    "name": recipe.name,
                    "title": recipe.title,
                    "modality": recipe.modality,
                    "structures": list(recipe.structures),
                }
                for recipe in list_recipes()
            ]
        }
    )


@cache
def _structures() -> Structures:
    from plastinate.recipes.load import list_recipes, load_structures

    makers: dict[str, set[str]] = {}
    for recipe in list_recipes():
        for name in recipe.structures:
            makers.setdefault(name, set()).add(recipe.modality)
    return Structures.model_validate(
        {
            "structures": [
                {
                    "id": each.id,
                    "name": each.name,
                    "colour": each.colour,
                    "modalities": sorted(makers.get(each.id, ())),
                }
                for each in load_structures().values()
                if each.id in makers
            ]
        }
    )


@cache
def _formats() -> Formats:
    from plastinate.stages.export.formats import FORMATS

    return Formats.model_validate(
        {
            "formats": [
                {"name": name, "suffix": each.suffix, "holds": each.holds}
                for name, each in FORMATS.items()
                # What the viewer reads is made with every build, and not asked for.
                if each.holds != "view"
            ]
        }
    )
