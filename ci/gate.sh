#!/usr/bin/env bash
# Runs a plan as a performance gate in any pipeline: gate.sh PLAN [more options of `peakproof run`].
#
# Leaves in ./peakproof-report what a pipeline keeps (report.html, report.junit.xml, summary.md, evaluation.json, ...), puts
# the summary on the job's page where there is one (GitHub), says in one line what the exit code means, and ends with it:
#   0 pass, 1 an objective failed, 2 inconclusive, 3 plan or usage wrong, 4 something could not be undone,
#   5 harness or environment error, 130 interrupted.
# PEAKPROOF_INCONCLUSIVE=fail (default): 2 fails the job; =warn: 2 is a warning and the job passes.
# PEAKPROOF: the command to run (default: npx --no-install peakproof).
set -uo pipefail

plan="${1:?usage: gate.sh PLAN [options of peakproof run]}"
shift
inconclusive="${PEAKPROOF_INCONCLUSIVE:-fail}"
out="peakproof-report"
read -r -a peakproof <<<"${PEAKPROOF:-npx --no-install peakproof}"

# say LEVEL TITLE TEXT: an annotation on GitHub, a plain line elsewhere. The texts below hold nothing of the run.
say() {
  if [[ "${GITHUB_ACTIONS:-}" == "true" ]]; then
    printf '::%s title=%s::%s\n' "$1" "$2" "$3"
  else
    printf '%s: %s: %s\n' "$1" "$2" "$3"
  fi
}

case "$inconclusive" in
  fail | warn) ;;
  *)
    say error "Peakproof: wrong setting" "PEAKPROOF_INCONCLUSIVE is neither fail nor warn"
    exit 3
    ;;
esac

# An earlier run's reports must not be published as this one's.
rm -rf "$out"
before="$(readlink runs/latest 2>/dev/null || true)"
"${peakproof[@]}" run "$plan" "$@"
code=$?

mkdir -p "$out"
after="$(readlink runs/latest 2>/dev/null || true)"
if [[ -n "$after" && "$after" != "$before" ]]; then
  for file in report.html report.junit.xml summary.md evaluation.json journal.chaostoolkit.json journal.ndjson manifest.json; do
    if [[ -f "runs/latest/$file" ]]; then cp "runs/latest/$file" "$out/"; fi
  done
fi
if [[ -n "${GITHUB_STEP_SUMMARY:-}" && -f "$out/summary.md" ]]; then cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi

case "$code" in
  0) say notice "Peakproof: passed" "every objective was met" ;;
  1) say error "Peakproof: failed" "an objective was missed; see the summary and report.html" ;;
  2)
    if [[ "$inconclusive" == "warn" ]]; then
      say warning "Peakproof: inconclusive" "the run proves nothing either way; let through by PEAKPROOF_INCONCLUSIVE=warn"
      code=0
    else
      say error "Peakproof: inconclusive" "the run proves nothing either way, so the gate stays shut"
    fi
    ;;
  3) say error "Peakproof: plan or usage wrong" "nothing was run; the lines above name each problem and its place" ;;
  4) say error "Peakproof: TARGET STILL ALTERED" "a fault could not be undone; run peakproof rollback on the run folder now" ;;
  5) say error "Peakproof: harness or environment error" "the system was not judged; see the lines above" ;;
  130) say error "Peakproof: interrupted" "stopped and undone before the end; not a verdict to gate on" ;;
  *) say error "Peakproof: ended unexpectedly" "exit code $code; run peakproof rollback if a fault was in force" ;;
esac
exit "$code"
