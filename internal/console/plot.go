package console

import "encoding/json"

// A plot is what console.js draws: curves with a value at each time of X, in Unix seconds.
// N is a number, or a pointer to a number: nil is a gap.
type plot[N any] struct {
	X         []int64    `json:"x"`
	Days      bool       `json:"days"` // the times are days, not minutes
	Fractions bool       `json:"fractions"`
	Curves    []curve[N] `json:"curves"`
}

type curve[N any] struct {
	Name string `json:"name"`
	Y    []N    `json:"y"`
}

// text returns the plot as JSON.
func (p *plot[N]) text() string {
	text, _ := json.Marshal(p) //nolint:errchkjson // numbers and words
	return string(text)
}
