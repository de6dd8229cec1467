package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
)

const healthLong = "With --health, report judges the e-mails sent in these days instead, by the measures\n" +
	"of mailbox providers: complaints, hard bounces and refusals of each message at each\n" +
	"provider, human opens against the usual ones, and e-mails sent more than 48 hours\n" +
	"after an opt-out. The table lists what is bad or a warning; --output json has every\n" +
	"measure. A script that sends in batches runs it before each batch. The exit code is 4\n" +
	"if a measure is bad. Warnings, and too few e-mails to judge, are no failure."

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

// healthTable prints the measures that are bad or a warning, and the number of the others.
func healthTable(w io.Writer, h *report.Health) {
	count := map[warehouse.Status]int{}
	for _, m := range h.Measures {
		count[m.Status]++
		if m.Status.Rank() < warehouse.StatusWarn.Rank() {
			continue
		}
		if count[warehouse.StatusBad]+count[warehouse.StatusWarn] == 1 {
			row(w, "STATUS", "MEASURE", "WORKSPACE", "PROVIDER", "NUMBER", "OF", "RATE", "MESSAGE")
		}
		of, rate := "-", "-"
		if m.Of > 0 {
			of, rate = strconv.FormatInt(m.Of, 10), percent(m.Count, m.Of)
		}
		if m.Usual > 0 {
			rate += ", usually " + percent(m.Usual, m.Of)
		}
		row(w, m.Status, strings.ReplaceAll(m.Measure, "_", " "), m.Workspace, cmp.Or(m.Provider, "-"), m.Count, of, rate, cmp.Or(m.Message, "-"))
	}
	sayf(w, "%d bad, %d warnings, %d ok, %d with too few e-mails to judge", count[warehouse.StatusBad], count[warehouse.StatusWarn], count[warehouse.StatusOK], count[warehouse.StatusFew])
}

func percent(n, of int64) string { return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(of)) }
