package operate

import (
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/effect"
)

// PolicySettings are settings of the worker that say what effects an event has. A program
// that previews effects reads them, too.
type PolicySettings struct {
	// File is the path of the effects file. Default "": the built-in rules.
	File string
	// Mode is the SUPPRESSION_MODE. Default suppress.
	Mode            string
	SuppressUnknown bool
}

// Declare adds the settings to the set, which reports a wrong effects file.
func (p *PolicySettings) Declare(s *config.Set) {
	s.String(&p.File, "EFFECTS_FILE", "", "the worker's effects file, for the preview; without a file the built-in rules apply")
	s.Choice(&p.Mode, "SUPPRESSION_MODE", string(effect.ModeSuppress), "SUPPRESSION_MODE of the worker, for the preview",
		string(effect.ModeSuppress), string(effect.ModeUnsubscribe), string(effect.ModeOff))
	s.Bool(&p.SuppressUnknown, "SUPPRESS_UNKNOWN_BOUNCE", false, "SUPPRESS_UNKNOWN_BOUNCE of the worker, for the preview")
	s.Check(func() error {
		_, err := p.Policy()
		return err
	})
}

// Policy reads the effects file.
func (p *PolicySettings) Policy() (effect.Policy, error) {
	policy := effect.Policy{Mode: effect.Mode(p.Mode), SuppressUnknown: p.SuppressUnknown}
	if p.File == "" {
		return policy, nil
	}
	rules, err := effect.ReadRules("EFFECTS_FILE", p.File)
	policy.Rules = rules
	return policy, err
}

// Source returns where the rules come from, for people.
func (p *PolicySettings) Source() string {
	if p.File == "" {
		return "the built-in rules"
	}
	return p.File
}
