"""Runs N copies of a program under HyperQueue, and waits for their end: hq-launch.py N PROGRAM [ARGUMENT...]"""

import os
import sys

from hyperqueue import Client, Job

# Beside the script is a folder for what copies print. Without a place for it they would leave files where this was started.
log = os.path.join(os.path.dirname(sys.argv[-1]), "log", "%{TASK_ID}")
env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
job = Job()
for _ in range(int(sys.argv[1])):
    job.program(sys.argv[2:], env=env, stdout=f"{log}.out", stderr=log)
client = Client(os.environ["HQ_SERVER_DIR"])
sys.exit(0 if client.wait_for_jobs([client.submit(job)], raise_on_error=False) else 1)
