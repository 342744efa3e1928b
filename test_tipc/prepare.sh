#!/bin/bash
# Put the data of a chain where its configuration looks for them:
#   bash test_tipc/prepare.sh ./test_tipc/configs/psanet/train_infer_python.txt lite_train_lite_infer
root=$(cd "$(dirname "$0")/.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "${PYTHON:-python3}" -m test_tipc.prepare "$@"
