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

# refused CODE COMMAND...
refused() {
    code=$1
    shift
    if "$@" >/dev/null 2>"$folder/error"; then
        fail "not refused with $code: $*"
    fi
    grep -q "$code" "$folder/error" || fail "$* was not refused with $code: $(cat "$folder/error")"
    echo "ok $code: $2 $3 $4"
}

# Pools.
refused PoolNotFound az batch pool show --pool-id none
is "pools by filter" az "$(az batch pool list --filter "startswith(id,'a')" --select id --query '[].id' -o tsv)"
az batch pool reset --pool-id az --metadata team=red >/dev/null
is "pool properties replaced" red "$(az batch pool show --pool-id az --query "metadata[0].value" -o tsv)"
az batch pool autoscale enable --pool-id az --auto-scale-formula '$TargetDedicatedNodes = 2;'
is "autoscale" "true" "$(az batch pool show --pool-id az --query enableAutoScale -o json)"
is "evaluation" '$TargetDedicatedNodes=7' "$(az batch pool autoscale evaluate --pool-id az \
    --auto-scale-formula '$TargetDedicatedNodes = 3 + 4;' --query results -o tsv | cut -d ';' -f 1)"
az batch pool autoscale disable --pool-id az
is "no autoscale" "false" "$(az batch pool show --pool-id az --query enableAutoScale -o json)"
is "usage" 0 "$(az batch pool usage-metrics list --query 'length(@)' -o tsv)"
is "applications" 0 "$(az batch application summary list --query 'length(@)' -o tsv)"

# Nodes.
node=$(az batch node list --pool-id az --query '[0].id' -o tsv)
is "node" idle "$(az batch node show --pool-id az --node-id "$node" --query state -o tsv)"
az batch node user create --pool-id az --node-id "$node" --name somebody --password Kx7-unlikely >/dev/null
refused NodeUserExists az batch node user create --pool-id az --node-id "$node" --name somebody --password x
az batch node user reset --pool-id az --node-id "$node" --user-name somebody --password Kx8-unlikely >/dev/null
az batch node user delete --pool-id az --node-id "$node" --user-name somebody --yes
az batch node scheduling disable --pool-id az --node-id "$node" >/dev/null
is "node takes no tasks" disabled \
    "$(az batch node show --pool-id az --node-id "$node" --query schedulingState -o tsv)"
az batch node scheduling enable --pool-id az --node-id "$node" >/dev/null
az batch node reboot --pool-id az --node-id "$node" >/dev/null
until_is "node is back" idle az batch node show --pool-id az --node-id "$node" --query state -o tsv
is "node's folders" 1 "$(az batch node file list --pool-id az --node-id "$node" --query "length([?name=='shared'])" -o tsv)"

# Job schedules.
az batch job-schedule create --id az-schedule --pool-id az --recurrence-interval PT1H \
    --job-manager-task-id manager --job-manager-task-command-line /bin/true
until_is "the schedule's job" az-schedule:job-1 \
    az batch job-schedule show --job-schedule-id az-schedule --query executionInfo.recentJob.id -o tsv
az batch job-schedule disable --job-schedule-id az-schedule
is "schedule disabled" disabled "$(az batch job-schedule show --job-schedule-id az-schedule --query state -o tsv)"
az batch job-schedule enable --job-schedule-id az-schedule
az batch job-schedule set --job-schedule-id az-schedule --metadata k=v >/dev/null
is "schedules" az-schedule "$(az batch job-schedule list --query '[].id' -o tsv)"
is "jobs of the schedule" az-schedule:job-1 "$(az batch job list --job-schedule-id az-schedule --query '[].id' -o tsv)"
az batch job-schedule stop --job-schedule-id az-schedule
until_is "schedule is over" completed az batch job-schedule show --job-schedule-id az-schedule --query state -o tsv
az batch job-schedule delete --job-schedule-id az-schedule --yes

# Jobs and tasks.
az batch job create --id az --pool-id az --priority 5
az batch job set --job-id az --priority 6 >/dev/null
is "priority" 6 "$(az batch job show --job-id az --query priority -o tsv)"
az batch job disable --job-id az --disable-tasks requeue >/dev/null
until_is "job disabled" disabled az batch job show --job-id az --query state -o tsv
az batch job enable --job-id az >/dev/null
refused JobPreparationTaskNotSpecified az batch job prep-release-status list --job-id az
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

is "stdout of the node" 1 "$(az batch node file list --pool-id az --recursive true \
    --node-id "$(az batch task show --job-id az --task-id one --query nodeInfo.nodeId -o tsv)" \
    --query "length([?name=='workitems/az/job-1/one/stdout.txt'])" -o tsv)"
az batch task file delete --job-id az --task-id one --file-path stdout.txt --yes
refused FileNotFound az batch task file download --job-id az --task-id one --file-path stdout.txt \
    --destination "$folder/gone.txt"
az batch task create --job-id az --task-id long --command-line "/bin/sleep 600" >/dev/null
az batch task reset --job-id az --task-id long --max-task-retry-count 2 >/dev/null
is "retries" 2 "$(az batch task show --job-id az --task-id long --query constraints.maxTaskRetryCount -o tsv)"
az batch task stop --job-id az --task-id long >/dev/null
until_is "stopped task" completed az batch task show --job-id az --task-id long --query state -o tsv
az batch task delete --job-id az --task-id long --yes
refused TaskNotFound az batch task show --job-id az --task-id long

az batch task reactivate --job-id az --task-id last
az batch job set --job-id az --on-all-tasks-complete terminatejob
until_is "job completes" completed az batch job show --job-id az --query state -o tsv
az batch pool resize --pool-id az --target-dedicated-nodes 1
until_is "pool of one node" "steady 1" \
    az batch pool show --pool-id az --query "join(' ', [allocationState, to_string(currentDedicatedNodes)])" -o tsv
left=$(az batch node list --pool-id az --query '[0].id' -o tsv)
az batch node delete --pool-id az --node-list "$left" >/dev/null
until_is "pool of no nodes" "steady 0" \
    az batch pool show --pool-id az --query "join(' ', [allocationState, to_string(currentDedicatedNodes)])" -o tsv
az batch job delete --job-id az --yes
az batch pool delete --pool-id az --yes
until_is "nothing left" "0 0" \
    sh -c 'echo "$(az batch job list --query "length(@)" -o tsv)" "$(az batch pool list --query "length(@)" -o tsv)"'
