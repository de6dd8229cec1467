package workerapp

import (
	"errors"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/effect"
)

// Effects is the settings of what events do to profiles.
type Effects struct {
	// File has the rules, "" for the built-in ones. A workspace can have a file
	// of its own.
	File            string
	Mode            string
	SuppressUnknown bool
	// DryRun logs the effects instead of performing them.
	DryRun bool

	policies map[string]policy // by workspace
}

// A policy is an effect.Policy with the place that its rules come from.
type policy struct {
	effect.Policy
	source string
}

// Declare adds the settings to the set.
func (e *Effects) Declare(s *config.Set) {
	s.String(&e.File, "EFFECTS_FILE", "", "what events do to profiles, see docs/effects.md; the built-in rules without it. CUSTOMERIO_<WORKSPACE>_EFFECTS_FILE is for one workspace")
	s.Bool(&e.DryRun, "EFFECTS_DRY_RUN", false, "log effects instead of calling the Track API; the events count as done")
	s.String(&e.Mode, "SUPPRESSION_MODE", string(effect.ModeSuppress), "after a hard bounce or a spam complaint: suppress DELETES the profile for good, unsubscribe keeps it, off only notes it on the profile")
	s.Bool(&e.SuppressUnknown, "SUPPRESS_UNKNOWN_BOUNCE", true, "whether a bounce that is neither hard nor soft counts as hard")
	s.Check(func() error {
		return config.OneOf("SUPPRESSION_MODE", e.Mode, string(effect.ModeSuppress), string(effect.ModeUnsubscribe), string(effect.ModeOff))
	})
}

// read makes the policies of the workspaces.
func (e *Effects) read(workspaces *config.Workspaces) error {
	var mistakes []error
	open := func(name, path string) policy {
		p := policy{effect.Policy{Mode: effect.Mode(e.Mode), KeepUnknown: !e.SuppressUnknown}, "built-in"}
		if path != "" {
			rules, err := effect.ReadRules(name, path)
			p.Rules, p.source, mistakes = rules, path, append(mistakes, err)
		}
		return p
	}
	common := open("EFFECTS_FILE", e.File)
	e.policies = map[string]policy{}
	for _, w := range workspaces.All() {
		e.policies[w.Name] = common
		if name, path := workspaces.Value(w.Name, "EFFECTS_FILE"); path != "" {
			e.policies[w.Name] = open(name, path)
		}
	}
	return errors.Join(mistakes...)
}

// sayPolicies tells at the start what cannot be undone later.
func (a *App) sayPolicies() {
	if a.cfg.Effects.DryRun {
		a.Log.Warn().Msg("EFFECTS_DRY_RUN is on: effects are logged and not performed, and the events count as handled")
	}
	if !slices.Contains(a.cfg.Consumers, Suppression) {
		return
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cioevents_suppression_policy_info",
		Help: "What follows a bounce or a complaint, by workspace: the mode, whether an unknown bounce counts as hard, and where the rules come from. Always 1.",
	}, []string{"workspace", "mode", "unknown_bounce", "source"})
	a.Registry.MustRegister(info)
	for _, w := range a.cfg.Workspaces.All() {
		p := a.cfg.Effects.policies[w.Name]
		info.WithLabelValues(w.Name, string(p.Mode), strconv.FormatBool(!p.KeepUnknown), p.source).Set(1)
		a.Log.Info().Str("workspace", w.Name).Str("suppression_mode", string(p.Mode)).
			Bool("suppress_unknown_bounce", !p.KeepUnknown).Str("effects", p.source).Msg(p.outcome())
	}
}

// outcome says in a sentence what the policy does to people.
func (p policy) outcome() string {
	switch {
	case p.Rules != nil && !p.Rules.Suppresses():
		return "no rule suppresses: a bounce or a spam complaint deletes nobody"
	case p.Mode == effect.ModeUnsubscribe:
		return "a hard bounce or a spam complaint unsubscribes the profile"
	case p.Mode == effect.ModeOff:
		return "a hard bounce or a spam complaint is noted on the profile and no more"
	case p.Rules != nil:
		return "the rules of the effects file that suppress DELETE the profile for good; SUPPRESSION_MODE=unsubscribe keeps it"
	default:
		return "a hard bounce or a spam complaint DELETES the profile for good; SUPPRESSION_MODE=unsubscribe keeps it"
	}
}
