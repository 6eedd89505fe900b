#!/usr/bin/env bash
# Searches, shows what was found, and leaves the exit code to the last step of the action.
#
# LG_PATHS LG_IMAGES LG_SPECS LG_ARGS   one in each line
# LG_FORMAT LG_SARIF LG_FAIL_ON         as the inputs of the action
set -euo pipefail
unset INPUT_SECRETS # some runners set it: it names secrets, and is none

fail() {
  echo "::error title=leakguard::$1"
  echo "exit-code=2" >>"${GITHUB_OUTPUT:?}"
  exit 2
}

# Sets `lines` to the lines of $1 that are not empty. The bash of macOS has no mapfile.
split() {
  local line
  lines=()
  while IFS= read -r line; do
    line=${line%$'\r'}
    [[ -z $line ]] || lines+=("$line")
  done <<<"$1"
}

python_of() {
  local candidate
  for candidate in "$LG_BIN/python" python3 python; do
    if "$candidate" -I -c '' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
}

counts() {
  "$(python_of)" -I -c '
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
for name in ("findings", "skips"):
    print(f"{name}={len(report[name])}")
' "$1"
}

case $LG_FAIL_ON in
  findings | incomplete | never) ;;
  *) fail "'fail-on' is none of findings, incomplete, never" ;;
esac
[[ -z $LG_PATHS || -z $LG_IMAGES ]] || fail "'paths' and 'image' are two searches: use two steps"

reports=$(mktemp -d "${RUNNER_TEMP:?}/leakguard-report-XXXXXX")
sarif=${LG_SARIF:-$reports/leakguard.sarif}
arguments=(scan)
[[ -z $LG_IMAGES ]] || arguments=(image)
arguments+=(
  --no-progress
  --report "json=$reports/counts"
  --report "$LG_FORMAT=$reports/report.$LG_FORMAT"
  --report "sarif=$sarif"
  --report "github=$reports/annotations"
  --report "markdown=$reports/summary"
)
split "$LG_SPECS"
for line in ${lines[@]+"${lines[@]}"}; do
  arguments+=(--secrets "$line")
done
split "$LG_ARGS"
arguments+=(${lines[@]+"${lines[@]}"})
split "$LG_PATHS$LG_IMAGES"
arguments+=(-- ${lines[@]+"${lines[@]}"})

# Nothing in here, not even the name of a file, is a command to the runner.
pause=$(mktemp -u XXXXXXXXXXXXXXXXXXXXXXXX)
echo "::stop-commands::$pause"
code=0
leakguard "${arguments[@]}" || code=$?
echo "::$pause::"

echo "exit-code=$code" >>"${GITHUB_OUTPUT:?}"
if [[ -f $reports/counts ]]; then
  grep '^::' "$reports/annotations" || true # without its summary, which has been shown
  cat "$reports/summary" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
  {
    counts "$reports/counts"
    echo "report=$reports/report.$LG_FORMAT"
    echo "sarif-file=$sarif"
  } >>"$GITHUB_OUTPUT"
fi
