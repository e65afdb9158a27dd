#!/bin/sh
# `az batch` against the local service. The Azure CLI is too big for the tests: run this by hand.
#
#     python3 -m venv az && az/bin/pip install azure-cli==2.91.0      (730 MB)
#     PATH="$PWD/az/bin:$PATH"
#     batchflow serve --in-memory > serve.env &
#     . ./serve.env
#     sh tests/clients/az-batch.sh
#
# No login is needed: account, key and endpoint come from the environment.
set -eu
: "${AZURE_BATCH_ACCOUNT:?see the head of this file}" "${AZURE_BATCH_ACCESS_KEY:?}" "${AZURE_BATCH_ENDPOINT:?}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export AZURE_CONFIG_DIR="$folder/config" AZURE_CORE_COLLECT_TELEMETRY=no AZURE_CORE_NO_COLOR=yes
export AZURE_CORE_ONLY_SHOW_ERRORS=yes NO_PROXY=127.0.0.1,localhost

fail() {
    echo "az-batch.sh: $*" >&2
    exit 1
}

# is WHAT EXPECTED GOT
is() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
    echo "ok $1"
}

# until_is WHAT EXPECTED COMMAND...
until_is() {
    what=$1 expected=$2
    shift 2
    for _ in $(seq 60); do
        got=$("$@")
        [ "$got" != "$expected" ] || break
    done
    is "$what" "$expected" "$got"
}

sku=$(az batch pool supported-images list \
    --query "[?imageReference.offer=='ubuntu-24_04-lts'].nodeAgentSkuId | [0]" -o tsv)
[ -n "$sku" ] || fail "no node agent for ubuntu-24_04-lts"

az batch pool create --id az --vm-size standard_d2s_v3 --image canonical:ubuntu-24_04-lts:server \
    --node-agent-sku-id "$sku" --target-dedicated-nodes 2 --task-slots-per-node 2
until_is "pool of two nodes" "steady 2" \
    az batch pool show --pool-id az --query "join(' ', [allocationState, to_string(currentDedicatedNodes)])" -o tsv
until_is "node counts" 2 az batch pool node-counts list --query "[?poolId=='az'].dedicated.idle | [0]" -o tsv
az batch pool set --pool-id az --metadata team=blue
is "pool metadata" blue "$(az batch pool show --pool-id az --query "metadata[0].value" -o tsv)"
if az batch pool create --id az --vm-size standard_d2s_v3 --image canonical:ubuntu-24_04-lts:server \
    --node-agent-sku-id "$sku" 2>"$folder/error"; then
    fail "a second pool of the same id was made"
fi
grep -q PoolExists "$folder/error" || fail "$(cat "$folder/error")"
echo "ok PoolExists"

az batch job create --id az --pool-id az --priority 5
az batch task create --job-id az --task-id one --command-line "/bin/sh -c 'echo from az'" >/dev/null
{
    printf '['
    for n in $(seq 250); do
        printf '{"id": "t-%s", "commandLine": "/bin/true"},' "$n"
    done
    printf '{"id": "last", "commandLine": "/bin/false", "constraints": {"maxTaskRetryCount": 1}}]'
} >"$folder/tasks.json"
az batch task create --job-id az --json-file "$folder/tasks.json" >/dev/null
until_is "252 tasks completed" 252 az batch job task-counts show --job-id az --query taskCounts.completed -o tsv
is "tasks listed" 252 "$(az batch task list --job-id az --query 'length(@)' -o tsv)"
is "failed task" last \
    "$(az batch task list --job-id az --filter "executionInfo/result eq 'failure'" --query '[].id' -o tsv)"
is "exit code" 0 "$(az batch task show --job-id az --task-id one --query executionInfo.exitCode -o tsv)"
az batch task file download --job-id az --task-id one --file-path stdout.txt --destination "$folder/stdout.txt"
is "stdout" "from az" "$(cat "$folder/stdout.txt")"
is "files" 2 "$(az batch task file list --job-id az --task-id one --query "length([?contains(name, 'std')])" -o tsv)"

az batch task reactivate --job-id az --task-id last
az batch job set --job-id az --on-all-tasks-complete terminatejob
until_is "job completes" completed az batch job show --job-id az --query state -o tsv
az batch pool resize --pool-id az --target-dedicated-nodes 1
until_is "pool of one node" "steady 1" \
    az batch pool show --pool-id az --query "join(' ', [allocationState, to_string(currentDedicatedNodes)])" -o tsv
az batch job delete --job-id az --yes
az batch pool delete --pool-id az --yes
until_is "nothing left" "0 0" \
    sh -c 'echo "$(az batch job list --query "length(@)" -o tsv)" "$(az batch pool list --query "length(@)" -o tsv)"'
