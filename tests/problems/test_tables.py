"""Data files: what is read is what stands there; everything else is refused in one line with row and column."""

import random
import string

import numpy as np
import pytest

from compth import problems
from compth.cli import run
from compth.errors import CompthError, InvalidParameter, UnusableInput
from compth.problems.tables import read_table

PLAIN = "1,2,3\n4,5,6\n7,8,10\n"


def table(tmp_path, text, target=None, encoding="utf-8"):
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    return read_table(tmp_path / "t.csv", target)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (PLAIN, False),
        ("a,b,target\n" + PLAIN, True),
        ("\ufeffa,b,target\n" + PLAIN, True),
        (PLAIN.replace(",", ";"), False),
        ("a\tb\tc\n" + PLAIN.replace(",", "\t"), True),
        (PLAIN.replace(",", "|"), False),
        (PLAIN.replace("\n", "\r\n\r\n"), False),
        ('"a, with a comma",b,c\n' + PLAIN, True),
        (PLAIN.replace("1,", "  1.0 ,").replace("5", "5e0"), False),
        (PLAIN.replace("1,", "+1,").replace("5", "5."), False),
    ],
)
def test_the_same_numbers_in_every_dialect(tmp_path, text, header):
    held = table(tmp_path, text)
    assert held.x.tolist() == [[1, 2], [4, 5], [7, 8]]
    assert held.y.tolist() == [3, 6, 10]
    assert held.taken.startswith("the first row as header" if header else "no header")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "it is empty"),
        ("\n \n", "it is empty"),
        ("a,b\n", "a header and no rows"),
        ("1\n2\n", "one column"),
        ("x\n1\n2\n", "one column"),
        ("NA,2,3\n" + PLAIN, "row 1, column 1: 'NA' is missing: drop or impute"),
        ("0x10,2,3\n" + PLAIN, "row 1, column 1: '0x10' is not a number"),
        ("1+2j,2,3\n" + PLAIN, "row 1, column 1: '1\\+2j' is not a number"),
        ("1_000,2,3\n" + PLAIN, "row 1, column 1: '1_000' is not a number"),
        ("a,b,c\n1,red,3\n", "row 2, column 'b': 'red' is not a number: encode"),
        ("a,b,c\n1,,3\n", "row 2, column 'b': '' is missing"),
        ("a,b,c\n1,nan,3\n", "row 2, column 'b': 'nan' is missing"),
        ("1,2,3\n4,5\n", "row 2 has 2 fields and row 1 has 3"),
        ('1,"2,3\n', "unexpected end of data|fields"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(tmp_path, text, rule):
    with pytest.raises(UnusableInput, match=rule) as caught:
        table(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path):
    with pytest.raises(UnusableInput, match="byte 0 is not UTF-8"):
        table(tmp_path, "é,b\n1,2\n", encoding="latin-1")


def test_the_target_is_named_counted_or_the_last(tmp_path):
    text = "a,b,c\n" + PLAIN
    assert table(tmp_path, text, "a").y.tolist() == [1, 4, 7]
    assert table(tmp_path, text, 2).y.tolist() == [2, 5, 8]
    assert table(tmp_path, text, "2").x.tolist() == [[1, 3], [4, 6], [7, 10]]
    for wrong in ("d", 0, 4, "-1"):
        with pytest.raises(InvalidParameter, match="choose one of a, b, c"):
            table(tmp_path, text, wrong)
    with pytest.raises(InvalidParameter, match="1 to 3"):
        table(tmp_path, PLAIN, "a")
    with pytest.raises(InvalidParameter, match="option for CSV files"):
        problems.ridge("wine", 3, target=1)


@pytest.mark.slow
def test_the_command_says_what_it_took(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("price,size\n" + "".join(f"{i * i % 7},{i}\n" for i in range(12)))
    command = [
        "compare",
        "--dataset",
        str(tmp_path / "t.csv"),
        "--workers",
        "2",
        "--steps",
        "5",
        "--runs",
        "2",
    ]
    assert run([*command, "-m", "GD", "--target", "price", "--out", str(tmp_path / "o")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "read with the first row as header, 'price' (as asked) as target, fields separated by ," in said


@pytest.mark.parametrize("scale", [1e200, 1e-200, 2.0**-1000])
def test_the_unit_of_a_column_does_not_matter(scale):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    plain, scaled = problems.ridge((x, y), 2), problems.ridge((x * [1, scale, 1], y * scale), 2)
    assert np.allclose(plain.A, scaled.A, rtol=1e-12, atol=1e-14)
    assert np.allclose(plain.b, scaled.b, rtol=1e-12, atol=1e-14)


def test_a_constant_column_of_an_inexact_mean_is_dropped():
    x = np.c_[np.full(7, 0.1), np.arange(7.0)]
    made = problems.ridge((x, np.arange(7.0) % 3), 1, regularisation=0.5)
    assert made.A[0, 0, 0] == 0.5


BAD_ARRAYS = {
    "text": np.array([["a", "b"]]),
    "complex": np.ones((3, 2)) + 1j,
    "dates": np.array([["2020-01-01", "2020-01-02"]], dtype="datetime64[D]"),
    "no columns": np.ones((3, 0)),
    "no rows": np.ones((0, 2)),
    "flat": np.ones(3),
    "nan": np.array([[np.nan, 1.0]] * 3),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_arrays_that_are_no_real_table(tmp_path, kind):
    bad = BAD_ARRAYS[kind]
    np.savez(tmp_path / "t.npz", X=bad, y=np.ones(len(bad)))
    for data in (str(tmp_path / "t.npz"), (bad, np.ones(len(bad))), (bad.tolist(), [1.0] * len(bad))):
        with pytest.raises(InvalidParameter, match=r"real numbers|need X|not finite|no array"):
            problems.ridge(data, 1)


def test_files_that_are_no_npz(tmp_path):
    file = tmp_path / "t.npz"
    contents = {"junk": b"\x00\x01junk", "empty": b"", "a zip": b"PK\x03\x04" + b"\x00" * 40}
    for content in contents.values():
        file.write_bytes(content)
        with pytest.raises(UnusableInput, match="cannot be read"):
            problems.ridge(str(file), 1)
    np.savez(file, A=np.ones(3))
    with pytest.raises(UnusableInput, match="no array X and y"):
        problems.ridge(str(file), 1)
    with file.open("wb") as out:
        np.save(out, np.ones((3, 2)))
    with pytest.raises(UnusableInput, match="no npz archive: write"):
        problems.ridge(str(file), 1)
    np.savez(file, X=np.array([[1, "x"]], dtype=object), y=np.ones(1))
    with pytest.raises(UnusableInput, match="cannot be read"):
        problems.ridge(str(file), 1)


PIECES = [
    "1",
    "-2.5",
    "3e5",
    "1e999",
    "NA",
    "",
    "x",
    '"q"',
    '"',
    "0x1",
    "nan",
    "é",
    "\x00",
    "2020-01-01",
    "=1+1",
    " 7 ",
]


def damaged(seed):
    """A CSV or npz of random pieces, or a good one with bytes changed: (suffix, content)."""
    rng = random.Random(seed)
    if seed % 3 == 0:
        rows = [",;\t|"[rng.randrange(4)].join(rng.choices(PIECES, k=rng.randrange(1, 5))) for _ in range(4)]
        return ".csv", "\n".join(rows).encode()
    good = b"a,b,c\n" + b"".join(b"%d,%d,%d\n" % (i, i * i % 7, i % 3) for i in range(9))
    if seed % 3 == 1:
        import io

        held = io.BytesIO()
        np.savez(held, X=np.arange(18.0).reshape(9, 2) ** 2 % 7, y=np.arange(9.0))
        good = held.getvalue()
    content = bytearray(good)
    for _ in range(rng.randrange(1, 4)):
        content[rng.randrange(len(content))] = ord(rng.choice(string.printable))
    return (".csv", ".npz")[seed % 3 == 1], bytes(content)


@pytest.mark.parametrize("block", range(6))
def test_fuzz_of_files(tmp_path, block):
    """180 files: a table of finite numbers, or one line."""
    for seed in range(30 * block, 30 * block + 30):
        suffix, content = damaged(seed)
        (tmp_path / f"t{suffix}").write_bytes(content)
        said, held = "", None
        try:
            held = problems.datasets.load(str(tmp_path / f"t{suffix}"))
        except CompthError as problem:
            said = str(problem)
        if held is None:
            assert "\n" not in said, seed
            assert "t." in said or "not finite" in said, (seed, said)
        else:
            assert np.isfinite(held[0]).all(), seed
            assert held[1].shape == held[0].shape[:1], seed
