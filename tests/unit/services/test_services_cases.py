"""A case is made once of its uploads, found by its words, changed by one at a time, and thrown away twice."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy import inspect as loaded_and_not

from plastinate.archive import jobs
from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, BuildFile, Case, CaseTag, Job, Upload, now
from plastinate.model.case_errors import Conflict, Gone, NotAllowed, NotThere, RequestFlaw, SignInNeeded
from plastinate.services import cases, sharing, uploads
from plastinate.services.access import NOBODY, SYSTEM, Actor
from servers import EVERY_DATABASE, new_person

pytestmark = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


def uploaded(archive: Archive, actor: Actor, name: str = "scan.zip", data: bytes = b"scan") -> str:
    upload = uploads.begin_upload(archive, actor, name=name, size=len(data))
    uploads.append(archive, actor, upload.id, offset=0, chunks=[data])
    uploads.settle(archive, actor, upload.id)
    return upload.id


def made(archive: Archive, actor: Actor, title: str = "", data: bytes = b"scan") -> Case:
    return cases.create_case(
        archive, actor, title=title, upload_ids=[uploaded(archive, actor, "scan.zip", data)]
    )


def titles(archive: Archive, actor: Actor, **asked: object) -> list[str]:
    return [case.title for case in cases.list_cases(archive, actor, **asked)[0]]


@pytest.fixture
def ada(archive: Archive) -> Actor:
    return new_person(archive, "ada@example.org")


@pytest.fixture
def bo(archive: Archive) -> Actor:
    return new_person(archive, "bo@example.org")


def test_uploads_become_a_case_with_a_first_job(archive: Archive, ada: Actor):
    ids = [uploaded(archive, ada, name, name.encode()) for name in ("head & <b>.zip", "b.dcm")]
    case = cases.create_case(archive, ada, title=" ", upload_ids=ids)
    assert (case.title, case.owner_id, case.version) == ("head & <b>", ada.person_id, 1)
    assert [(each.position, each.name) for each in case.inputs] == [(0, "head & <b>.zip"), (1, "b.dcm")]
    assert archive.files.read(case.inputs[1].sha256) == b"b.dcm"
    with archive.database.read() as session:
        found = jobs.jobs_of_case(session, case.id)
    assert [(job.kind, job.state, job.person_id) for job in found] == [("inspect", "queued", ada.person_id)]


def test_the_same_uploads_make_one_case_however_often_they_are_sent(archive: Archive, ada: Actor):
    ids = [uploaded(archive, ada), uploaded(archive, ada)]
    found: list[str] = []

    def send() -> None:
        found.append(cases.create_case(archive, ada, title="x", upload_ids=ids).id)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    with archive.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1
    with pytest.raises(Conflict):
        cases.create_case(archive, ada, title="x", upload_ids=ids[:1])
    with pytest.raises(Conflict):
        cases.create_case(archive, ada, title="x", upload_ids=[*ids, uploaded(archive, ada)])


def test_only_ones_own_whole_uploads_become_a_case(archive: Archive, ada: Actor, bo: Actor):
    mine, theirs = uploaded(archive, ada), uploaded(archive, bo)
    half = uploads.begin_upload(archive, ada, name="a", size=5).id
    old = uploads.begin_upload(archive, ada, name="a", size=5).id
    with archive.database.write() as session:
        session.get(Upload, old).expires_at = now() - timedelta(seconds=1)
    for ids, error in [
        ([], RequestFlaw),
        ([mine, mine], RequestFlaw),
        ([mine, theirs], NotThere),
        (["no-such"], NotThere),
        ([mine, half], Conflict),
        ([old], Gone),
    ]:
        with pytest.raises(error):
            cases.create_case(archive, ada, title="x", upload_ids=ids)
    with pytest.raises(SignInNeeded):
        cases.create_case(archive, NOBODY, title="x", upload_ids=[mine])
    with pytest.raises(RequestFlaw):
        cases.create_case(archive, ada, title="x" * 301, upload_ids=[mine])


def test_a_file_name_gives_a_title_that_fits(archive: Archive, ada: Actor):
    for name, title in [
        ("folder/CT chest.ZIP", "CT chest"),
        ("C:\\scans\\a.dcm", "a"),
        ("head.NII.gz", "head"),
        ("scan 1.2", "scan 1.2"),
        (".zip", "Untitled"),
        ("x" * 999, "x" * 300),
    ]:
        case = cases.create_case(archive, ada, title="", upload_ids=[uploaded(archive, ada, name)])
        assert case.title == title


def test_a_case_of_this_machine_waits_for_its_owner(archive: Archive, tmp_path: Path, ada: Actor):
    (tmp_path / "a").write_bytes(b"sample")
    case = cases.keep_case(archive, owner_id=None, title="Sample", files=[("a.zip", tmp_path / "a")])
    assert case.owner is None
    assert titles(archive, ada) == []
    assert titles(archive, SYSTEM) == ["Sample"]
    assert (tmp_path / "a").exists()


def test_everyone_sees_their_own_and_what_is_shared_with_them(archive: Archive, ada: Actor, bo: Actor):
    made(archive, ada, "A1")
    shared = made(archive, ada, "A2")
    made(archive, bo, "B1")
    sharing.share(archive, ada, shared.id, email="bo@example.org", role="view")
    admin = new_person(archive, "root@example.org", is_admin=True)
    assert titles(archive, ada, order="title") == ["A1", "A2"]
    assert titles(archive, bo, order="title") == ["A2", "B1"]
    assert titles(archive, bo, shared=True) == ["A2"]
    assert titles(archive, ada, shared=True) == titles(archive, admin, shared=True) == []
    assert titles(archive, admin, order="title") == ["A1", "A2", "B1"]
    with pytest.raises(SignInNeeded):
        titles(archive, NOBODY)


@pytest.mark.slow
def test_cases_are_found_by_words_and_tags(archive: Archive, ada: Actor):
    first = made(archive, ada, "Größe des Herzens")
    second = made(archive, ada, "100% lung_left \\ 'quoted'")
    cases.change_case(archive, ada, first.id, notes="Über ALLES", tags=["Kind", "2024"])
    cases.change_case(archive, ada, second.id, tags=["2024"])
    for words, found in [
        ("größe", {first.title}),
        ("GRÖSSE", set()),
        ("GRÖßE herz", {first.title}),
        ("über", {first.title}),
        ("kind alles", {first.title}),
        ("0% g_l \\", {second.title}),
        ("%", {second.title}),
        ("_left '", {second.title}),
        ("gxl", set()),
        ("2024", {first.title, second.title}),
        ("a\0", {first.title}),
    ]:
        assert set(titles(archive, ada, search=words)) == found, words
    assert titles(archive, ada, tag="Kind") == [first.title]
    assert titles(archive, ada, tag="kind") == [first.title]
    assert cases.list_tags(archive, ada) == ["2024", "Kind"]


@pytest.mark.slow
def test_cases_are_found_by_the_organs_that_were_built(archive: Archive, ada: Actor):
    chest, head, bare = (made(archive, ada, title) for title in ("one", "two", "three"))
    lung = {"organs": [{"id": "lung-left", "name": "Left lung"}], "not_found": [{"id": "brain"}]}
    skull = {"organs": [{"id": "skull", "name": "Skull"}, {"id": "surface", "name": "Left"}]}
    with archive.database.write() as session:
        session.add_all(
            [
                Build(case_id=chest.id, title="Both lungs apart, trachea and bronchi", summary=lung),
                Build(case_id=head.id, title="Größe", summary=skull),
                Build(case_id=bare.id, title="%", summary={}),
            ]
        )
    german = {
        "Left lung": "Linke Lunge",
        "Both lungs apart, trachea and bronchi": "Bronchien",
        "Brain": "Hirn",
    }
    for words, names, found in [
        ("lung", {}, ["one"]),
        ("LEFT lung", {}, ["one"]),
        ("linke", {}, []),
        ("linke", german, ["one"]),
        ("lunge bronchien", german, ["one"]),
        ("skull", {}, ["two"]),
        ("brain", {}, []),
        ("hirn", german, []),
        ("größe", {}, ["two"]),
        ("organs", {}, []),
        ("%", {}, ["three"]),
        ("lung three", {}, []),
    ]:
        assert titles(archive, ada, search=words, names=names) == found, words


def test_a_tag_in_other_letters_is_the_same_tag_as_it_was_spelled_first(
    archive: Archive, ada: Actor, bo: Actor
):
    first, second, other = made(archive, ada, "a"), made(archive, ada, "b"), made(archive, bo, "c")
    cases.change_case(archive, ada, first.id, tags=["Lunge", "Äpfel"])
    changed = cases.change_case(archive, ada, second.id, tags=["LUNGE", "lunge", "äpfel", "New", "new"])
    assert [tag.tag for tag in changed.tags] == ["Lunge", "New", "Äpfel"]
    # What others file away unseen is theirs.
    assert [tag.tag for tag in cases.change_case(archive, bo, other.id, tags=["lUNGE"]).tags] == ["lUNGE"]
    with archive.database.write() as session:
        session.add(CaseTag(case_id=first.id, tag="new"))
    assert cases.list_tags(archive, ada) == ["Lunge", "New", "Äpfel"]
    assert sorted(titles(archive, ada, tag="NEW")) == ["a", "b"]
    changed = cases.change_case(archive, ada, first.id, tags=["NEW", "LUNGE", "Own"])
    assert [tag.tag for tag in changed.tags] == ["Lunge", "New", "Own"]
    # Where no other case has it, a tag may be spelled anew.
    changed = cases.change_case(archive, ada, first.id, tags=["own"])
    assert [tag.tag for tag in changed.tags] == ["own"]


def test_a_list_comes_in_pages_and_in_order(archive: Archive, ada: Actor):
    for title in ("b", "A", "c"):
        made(archive, ada, title)
    changed = cases.list_cases(archive, ada, search="A")[0][0]
    cases.change_case(archive, ada, changed.id, notes="n")
    assert titles(archive, ada) == ["c", "A", "b"]
    assert titles(archive, ada, order="oldest") == ["b", "A", "c"]
    assert titles(archive, ada, order="title") == ["A", "b", "c"]
    assert titles(archive, ada, order="changed") == ["A", "c", "b"]
    rows, total = cases.list_cases(archive, ada, page=2, per_page=2)
    assert ([case.title for case in rows], total) == (["b"], 3)
    assert cases.list_cases(archive, ada, page=9, per_page=0) == ([], 3)


def test_a_list_does_not_carry_what_was_found_in_every_scan(archive: Archive, ada: Actor):
    case = made(archive, ada)
    with archive.database.write() as session:
        cases.set_inspection(session, case.id, inspection={"series": ["much"] * 1000})
    [listed], _ = cases.list_cases(archive, ada)
    assert "inspection" in loaded_and_not(listed).unloaded
    assert cases.read_case(archive, ada, listed.id).inspection is not None


def test_a_change_names_the_version_it_was_made_on(archive: Archive, ada: Actor):
    case = made(archive, ada)
    changed = cases.change_case(archive, ada, case.id, version=1, title="New", tags=["b", "a", " a "])
    assert (changed.title, changed.version, [tag.tag for tag in changed.tags]) == ("New", 2, ["a", "b"])
    with pytest.raises(Conflict):
        cases.change_case(archive, ada, case.id, version=1, title="Older")
    changed = cases.change_case(archive, ada, case.id, version=2, tags=["b", "c"])
    assert (changed.title, changed.version) == ("New", 3)
    read = cases.read_case(archive, ada, case.id)
    assert ([tag.tag for tag in read.tags], read.version, read.changed_at >= read.created_at) == (
        ["b", "c"],
        3,
        True,
    )


def test_of_two_who_change_the_same_version_one_is_told(archive: Archive, ada: Actor):
    case = made(archive, ada)
    ready, said = threading.Barrier(4), []

    def change(number: int) -> None:
        ready.wait()
        try:
            cases.change_case(archive, ada, case.id, version=1, title=f"T{number}", tags=[f"t{number}"])
            said.append(f"T{number}")
        except Conflict:
            said.append("conflict")

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("conflict") == 3
    read = cases.read_case(archive, ada, case.id)
    assert (read.title, read.version) == (next(each for each in said if each != "conflict"), 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "  "),
        ("title", "x" * 301),
        ("notes", "x" * 20_001),
        ("tags", [""]),
        ("tags", ["x" * 61]),
        ("tags", [str(number) for number in range(51)]),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(archive: Archive, ada: Actor, field: str, value: object):
    case = made(archive, ada)
    with pytest.raises(RequestFlaw) as caught:
        cases.change_case(archive, ada, case.id, **{field: value})
    assert caught.value.where == field
    assert cases.read_case(archive, ada, case.id).version == 1


def test_what_a_job_finds_does_not_disturb_who_edits(archive: Archive, ada: Actor):
    case = made(archive, ada)
    picture = archive.files.keep_bytes(b"png")
    with archive.database.write() as session:
        cases.set_inspection(session, case.id, inspection={"series": []})
        cases.set_thumbnail(session, case.id, sha256=picture.sha256)
    changed = cases.change_case(archive, ada, case.id, version=1, title="Mine")
    assert (changed.inspection, changed.thumbnail_sha256) == ({"series": []}, picture.sha256)


def test_the_trash_hides_a_case_and_gives_it_back(archive: Archive, ada: Actor, bo: Actor):
    case = made(archive, ada, "x")
    sharing.share(archive, ada, case.id, email="bo@example.org", role="edit")
    with pytest.raises(NotAllowed):
        cases.trash_case(archive, bo, case.id)
    cases.trash_case(archive, ada, case.id)
    assert titles(archive, ada) == titles(archive, bo) == titles(archive, bo, trash=True) == []
    assert titles(archive, ada, trash=True) == ["x"]
    with pytest.raises(NotThere):
        cases.read_case(archive, bo, case.id)
    cases.restore_case(archive, ada, case.id)
    assert titles(archive, ada) == titles(archive, bo) == ["x"]


def test_a_case_is_deleted_for_good_only_from_the_trash_and_takes_its_files_along(
    archive: Archive, ada: Actor
):
    case, other = made(archive, ada, "x", b"alone"), made(archive, ada, "y", b"other")
    shared = archive.files.keep_bytes(b"in both")
    with archive.database.write() as session:
        for each in (case, other):
            session.add(
                Build(case_id=each.id, title="b", files=[BuildFile(name="a", sha256=shared.sha256, size=7)])
            )
    sharing.make_link(archive, ada, case.id, hours=1)
    with pytest.raises(Conflict):
        cases.purge_case(archive, ada, case.id)
    cases.trash_case(archive, ada, case.id)
    cases.purge_case(archive, ada, case.id)
    with pytest.raises(NotThere):
        cases.read_case(archive, ada, case.id)
    assert archive.files.sweep(older_than_hours=0) == 1
    assert [archive.files.exists(sha) for sha in (case.inputs[0].sha256, other.inputs[0].sha256)] == [
        False,
        True,
    ]
    assert archive.files.read(shared.sha256) == b"in both"
    with archive.database.read() as session:
        assert [job.case_id for job in session.scalars(select(Job))] == [other.id]


def test_old_trash_is_emptied_by_itself(archive: Archive, ada: Actor):
    old, new, kept = (made(archive, ada, title) for title in ("old", "new", "kept"))
    for case in (old, new):
        cases.trash_case(archive, ada, case.id)
    with archive.database.write() as session:
        long_ago = now() - timedelta(days=archive.settings.trash_days, minutes=1)
        session.execute(update(Case.__table__).where(Case.id == old.id).values(trashed_at=long_ago))
    assert cases.empty_old_trash(archive) == 1
    assert cases.empty_old_trash(archive) == 0
    assert (titles(archive, ada), titles(archive, ada, trash=True)) == (["kept"], ["new"])
    assert kept.id


def test_a_case_in_the_trash_keeps_no_job_waiting_and_asks_the_running_one_to_stop(
    archive: Archive, ada: Actor
):
    case = made(archive, ada)
    with archive.database.write() as session:
        (first,) = jobs.jobs_of_case(session, case.id)
        jobs.claim(session, first.id, seen_attempt=0, worker="w")
        waiting = jobs.add_job(session, case_id=case.id, person_id=ada.person_id, kind="build", request={}).id
    cases.trash_case(archive, ada, case.id)
    with archive.database.write() as session:
        assert session.get(Job, waiting).state == "cancelled"
        assert jobs.report(session, first.id, 1, share_done=0.5, doing="look") == "cancel"


def test_a_name_that_would_read_as_another_is_kept_without_what_turns_it(archive: Archive, ada: Actor):
    case = cases.create_case(
        archive, ada, title="", upload_ids=[uploaded(archive, ada, "scan\u202egpj\x07.zip")]
    )
    assert (case.title, case.inputs[0].name) == ("scangpj", "scangpj.zip")
    # What joins letters stays: words and emoji need it.
    assert made(archive, ada, "\u0645\u06cc\u200c\u062e", b"other").title == "\u0645\u06cc\u200c\u062e"
