"""`smsgate-server demo --cluster`: who sends is killed, who follows is drained, nothing is lost."""

import re
import subprocess
import sys

import pytest

from smsgate_server.private_postgres import NoPostgres, PrivatePostgres

pytest.importorskip("psycopg", reason="install the extra [postgres]")

pytestmark = pytest.mark.slow

_SECONDS = 300


def test_the_demo_of_a_cluster_kills_who_sends_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    try:
        PrivatePostgres(tmp_path_factory.mktemp("none"))
    except NoPostgres as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [sys.executable, "-m", "smsgate_server", "demo", "--cluster"],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    (killed,) = re.findall(r"kill -9 server (.), which is bound to the carrier", done.stdout)
    (drained,) = re.findall(r"server (.) is told to stop", done.stdout)
    follows = re.findall(r"server (.) sends, .* s after server (.); (\d+) messages", done.stdout)
    assert follows[0][:2] == (drained, killed)
    assert follows[1][1] == drained
    # Callers went on while nobody sent.
    assert int(follows[0][2]) > 0
    assert "lost: 0; sent twice: 0" in done.stdout
    assert len(re.findall(r"subscriber of .*, 0 messages with a gap or a repeat", done.stdout)) == 4
