package effect

import "fmt"

// A Mode says what follows a bounce or a spam complaint once it has been noted
// on the profile. It does not touch what a person asked for: an opt-out is
// written in every mode.
type Mode string

// The modes.
const (
	// ModeSuppress deletes the person for good and blocks the identifiers.
	ModeSuppress Mode = "suppress"
	// ModeUnsubscribe sets unsubscribed and keeps the profile.
	ModeUnsubscribe Mode = "unsubscribe"
	// ModeOff leaves it at the note.
	ModeOff Mode = "off"
)

// ParseMode reads a mode by its name.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case ModeSuppress, ModeUnsubscribe, ModeOff:
		return m, nil
	default:
		return "", fmt.Errorf("mode %q: want suppress, unsubscribe or off", s)
	}
}
