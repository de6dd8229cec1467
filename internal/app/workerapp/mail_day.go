package workerapp

import (
	"cmp"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/worker"
)

// mailStep is the time between two kept sums of a mailDay, so a day is up to an hour longer.
const mailStep = time.Hour

// A mailDay counts the e-mails of the last day from sums that only grow.
type mailDay struct {
	kept []keptSums // the oldest first
}

// A mailSums has the e-mails since the start of the process, by workspace.
type mailSums map[string]operate.MailCount

type keptSums struct {
	at   time.Time
	sums mailSums
}

// sumsOf returns the sums of the counter, none for nil.
func sumsOf(mail *worker.Mail) mailSums {
	sums := mailSums{}
	if mail != nil {
		mail.Tally(func(workspace string, delivered, complaints int64) {
			sums[workspace] = operate.MailCount{Workspace: workspace, Delivered: delivered, Complaints: complaints}
		})
	}
	return sums
}

// count returns the e-mails of the day before now. The first call begins the count.
func (d *mailDay) count(now time.Time, sums mailSums) []operate.MailCount {
	if n := len(d.kept); n == 0 || now.Sub(d.kept[n-1].at) >= mailStep {
		d.kept = append(d.kept, keptSums{now, sums})
	}
	for len(d.kept) > 1 && now.Sub(d.kept[1].at) >= 24*time.Hour {
		d.kept = d.kept[1:]
	}
	list := []operate.MailCount{}
	for workspace, m := range sums {
		before := d.kept[0].sums[workspace]
		m.Delivered -= before.Delivered
		m.Complaints -= before.Complaints
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b operate.MailCount) int { return cmp.Compare(a.Workspace, b.Workspace) })
	return list
}
