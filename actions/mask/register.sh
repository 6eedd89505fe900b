#!/usr/bin/env bash
# Tells the runner to mask the secrets that LG_SPECS names, one SPEC in each line.
set -euo pipefail
unset INPUT_SECRETS # some runners set it: it names secrets, and is none

specs=()
while IFS= read -r spec; do
  spec=${spec%$'\r'}
  [[ -z $spec ]] || specs+=(--secrets "$spec")
done <<<"$LG_SPECS"

# Some runners give a terminal to a step, and to a terminal leakguard shows no value.
leakguard register ${specs[@]+"${specs[@]}"} | cat
