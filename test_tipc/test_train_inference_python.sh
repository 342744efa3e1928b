#!/bin/bash
# Train, evaluate, export and infer as a parameter file says:
#   bash test_tipc/test_train_inference_python.sh ./test_tipc/configs/psanet/train_infer_python.txt lite_train_lite_infer
root=$(cd "$(dirname "$0")/.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "${PYTHON:-python3}" -m test_tipc.run "$@"
