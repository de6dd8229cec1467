package operate

import "time"

// A Progress says how far a replay is.
type Progress struct {
	Total, Remaining uint64
	// Percent is of what is settled, rounded down, so that 100 means all.
	Percent float64
	// Rate is events a second since the start.
	Rate float64
	// ETA is the time that the rest takes at Rate, 0 when unknown.
	ETA time.Duration
}

// NewProgress measures a replay that has been under way for some time.
func NewProgress(total, remaining uint64, took time.Duration) Progress {
	p := Progress{Total: total, Remaining: min(remaining, total), Percent: 100}
	done := p.Total - p.Remaining
	if p.Remaining > 0 {
		p.Percent = float64(done*1000/total) / 10
	}
	if took > 0 {
		p.Rate = float64(done) / took.Seconds()
	}
	if p.Rate > 0 {
		p.ETA = time.Duration(float64(p.Remaining) / p.Rate * float64(time.Second)).Round(time.Second)
	}
	return p
}
