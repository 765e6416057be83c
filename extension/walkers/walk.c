// SPDX-License-Identifier: GPL-3.0-or-later
#include "walkers/walk.h"

#include "host/host.h"

enum walk_end walk_finish(struct walk_report *report, enum walk_end end, uint64_t at)
{
    report->end = end;
    report->at = at;
    return end;
}

enum walk_end walk_finish_all(struct walk_report *report)
{
    report->end = report->skipped ? WALK_END_PARTIAL : WALK_END_WHOLE;
    return report->end;
}

enum walk_end walk_fail(struct walk_report *report, uint64_t at)
{
    return walk_finish(report, WALK_END_ERROR, at);
}

bool walk_skip(struct walk_report *report, const struct error *err, uint64_t at)
{
    if (!error_is_fault(err->code) && err->code != ERR_DAMAGED) {
        report->error = *err;
        return false;
    }
    if (!report->skipped++) {
        report->error = *err;
        report->at = at;
    }
    // Where nothing is right, a count from memory may be anything as well.
    return report->skipped < WALK_MAX_SKIPPED;
}

bool walk_tick(struct walk_report *report)
{
    if (++report->elements % WALK_INTERRUPT_INTERVAL == 0 && host_interrupted())
        return error_set(&report->error, ERR_INTERRUPTED, "interrupted");
    return true;
}

bool walk_append(struct walk_report *report, struct array *array, uint64_t item)
{
    return array_append(array, item) || error_set_no_memory(&report->error);
}

bool walk_damaged(struct error *err, uint64_t at, const char *what)
{
    return error_set_at(err, ERR_DAMAGED, at, "%s", what);
}
