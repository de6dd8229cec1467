package effect

import "fmt"

// A Mode says what suppress in a rule does, for example after a bounce or a spam
// complaint. The attributes of the rule are set in every mode. An opt-out, which the
// person asked for, is also written in every mode.
type Mode string

// The modes.
const (
	// ModeSuppress deletes the person for good and blocks the identifiers.
	ModeSuppress Mode = "suppress"
	// ModeUnsubscribe sets unsubscribed and keeps the profile.
	ModeUnsubscribe Mode = "unsubscribe"
	// ModeOff sets the attributes of the rule and does nothing else.
	ModeOff Mode = "off"
)

// ParseMode returns the mode of the name s, or an error that lists the modes.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case ModeSuppress, ModeUnsubscribe, ModeOff:
		return m, nil
	default:
		return "", fmt.Errorf("mode %q: want suppress, unsubscribe or off", s)
	}
}
