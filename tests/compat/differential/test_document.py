"""docs/compatibility.md says what the tests check."""

from differential.document import DOCUMENT, rendered


def test_document_lists_every_difference_and_every_missing_endpoint():
    text = DOCUMENT.read_text()
    assert text == rendered(text), "run `python -m differential.document` in tests/compat"
