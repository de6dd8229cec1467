package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
)

const healthLong = "With --health, report judges the e-mails sent in these days instead, by the measures\n" +
	"of mailbox providers: complaints, hard bounces and refusals of each message at each\n" +
	"provider, human opens against the usual ones, and e-mails sent more than 48 hours\n" +
	"after an opt-out. The tables have the limits, and what is bad or a warning; --output\n" +
	"json has every measure. A script that sends in batches runs it before each batch. The\n" +
	"exit code is 4 if a measure is bad. Warnings, and too few e-mails to judge, are no\n" +
	"failure."

// exitBad is the exit code of a bad measure.
const exitBad = 4

func (c *cli) reportHealth(ctx context.Context, list *warehouseSetting, o reportOptions, out *output) error {
	h, err := readWarehouse(ctx, c, list, o, report.NewHealth)
	if err != nil {
		return err
	}
	if err := out.print(c.out, h, func(w io.Writer) { healthTable(w, h) }); err != nil {
		return err
	}
	if h.Status == warehouse.StatusBad {
		return &config.StatusError{Code: exitBad, Err: errors.New("the e-mails are in bad health: stop sending until you know why")}
	}
	return nil
}

// healthTable prints the limits of each kind of measure, and the measures that are bad or a
// warning.
func healthTable(w io.Writer, h *report.Health) {
	row(w, "STATUS", "MEASURE", "WARNING FROM", "BAD FROM", "JUDGED FROM", "BAD", "WARNINGS", "OK", "TOO FEW")
	for i := range h.Kinds {
		k := &h.Kinds[i]
		limits := k.Limits()
		row(w, k.Status, k.Title(), limits[0], limits[1], limits[2], k.BadCount, k.WarnCount, k.OKCount, k.FewCount)
	}
	sayf(w, "%s", h.Verdict())
	faults := h.Faults()
	if len(faults) == 0 {
		return
	}
	sayf(w, "")
	row(w, "STATUS", "MEASURE", "WORKSPACE", "PROVIDER", "NUMBER", "OF", "RATE", "MESSAGE")
	for i := range faults {
		m := &faults[i]
		row(w, m.Status, strings.ReplaceAll(m.Measure, "_", " "), m.Workspace, cmp.Or(m.Provider, "-"), m.Count, cmp.Or(m.Whole(), "-"), cmp.Or(m.Share(), "-"), cmp.Or(m.Message, "-"))
	}
}
