import json

import numpy as np

from plastinate.stages.export.json_text import json_bytes, plain


def test_numbers_of_every_kind_become_plain():
    facts = {
        "a": np.int64(3),
        "b": np.array([[1.5, np.inf]]),
        "c": {2, 1},
        4: None,
        "d": (True, "é"),
        "e": 1j,
    }
    assert plain(facts) == {"a": 3, "b": [[1.5, None]], "c": [1, 2], "4": None, "d": [True, "é"], "e": "1j"}


def test_broken_characters_do_not_stop_the_file():
    assert json.loads(json_bytes({"name": "a\ud800b"})) == {"name": "a?b"}
