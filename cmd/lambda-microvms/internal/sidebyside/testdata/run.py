# Runs command lines with the AWS CLI v2: each in a process of its own, forked after the
# imports. The AWS CLI looks for models when it is imported. Reads a JSON list of {args, env, dir} and writes one of {rc, stdout, stderr}.
import json
import os
import sys
import tempfile

cases = json.load(sys.stdin)
os.environ["AWS_DATA_PATH"] = cases[0]["env"].pop("AWS_DATA_PATH")
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from awscli.clidriver import main  # noqa: E402


def run(case):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            rc = 255
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                data_path = os.environ["AWS_DATA_PATH"]
                os.environ.clear()
                os.environ.update(case["env"], AWS_DATA_PATH=data_path)
                os.chdir(case["dir"])
                sys.argv = ["aws", "lambda-microvms"] + case["args"]
                try:
                    rc = main()
                except SystemExit as e:
                    rc = e.code or 0
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(rc)
        status = os.waitpid(pid, 0)[1]
        text = []
        for f in (out, err):
            f.seek(0)
            text.append(f.read().decode("utf-8", "replace"))
        return {"rc": os.waitstatus_to_exitcode(status), "stdout": text[0], "stderr": text[1]}


json.dump([run(c) for c in cases], sys.stdout)
