package stream

import (
	"context"
	"encoding/json"
	"time"
)

// settingsKey is the key of a worker's note about the settings that the running streams
// do not have. cioctl does not know the settings of the workers.
const settingsKey = "settings"

// settingsNoteAge is the age up to which a note counts. Workers write every 30 s.
const settingsNoteAge = 90 * time.Second

type settingsNote struct {
	At       time.Time `json:"at"`
	Problems []string  `json:"problems"`
}

// NoteSettings leaves a note for Status when the running streams differ from the
// settings of this program, or when NATS refuses to create a consumer, for example because
// of a limit of the account. The caller repeats the call every 30 s.
func (c *Conn) NoteSettings(ctx context.Context, consumers ...*Durable) error {
	problems := c.health.settings()
	for _, d := range consumers {
		if err := d.Ready(); isRefused(err) {
			problems = append(problems, err.Error())
		}
	}
	if len(problems) == 0 {
		return nil
	}
	text, err := json.Marshal(settingsNote{time.Now().UTC(), problems})
	if err != nil {
		return err
	}
	return c.State().Put(ctx, settingsKey, text)
}

// notedSettings returns the sentences of a worker's note, none without a recent note.
func (c *Conn) notedSettings(ctx context.Context) []string {
	text, _, err := c.State().Get(ctx, settingsKey)
	note := settingsNote{}
	if err != nil || json.Unmarshal(text, &note) != nil || time.Since(note.At) > settingsNoteAge {
		return nil
	}
	return note.Problems
}
