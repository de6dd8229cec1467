package workerapp

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/worker"
)

// Effects is the settings of the effects that events have on profiles.
type Effects struct {
	// File is the path of the effects file, "" for the built-in rules. A workspace
	// can have its own file.
	File            string
	Mode            string
	SuppressUnknown bool
	// DryRun logs the effects instead of calling the Track API.
	DryRun bool
	// Limit is the largest number of suppressions of bounces per hour and workspace,
	// 0 for no limit.
	Limit int

	policies map[string]policy // by workspace
}

// A policy is an effect.Policy and the source of its rules: "built-in", or the path of
// the effects file, with the SHA-256 of the file's content in hex.
type policy struct {
	effect.Policy
	source, digest string
}

// Declare adds the settings to the set.
func (e *Effects) Declare(s *config.Set) {
	s.String(&e.File, "EFFECTS_FILE", "", "path of a file with the effects of events on profiles, see docs/effects.md; without a file the built-in rules apply. CUSTOMERIO_<WORKSPACE>_EFFECTS_FILE sets the file of one workspace")
	s.Bool(&e.DryRun, "EFFECTS_DRY_RUN", false, "log effects instead of calling the Track API. The events are acknowledged and have no effect later")
	s.Choice(&e.Mode, "SUPPRESSION_MODE", string(effect.ModeSuppress), "effect of a hard bounce or a spam complaint: suppress DELETES the profile for good, unsubscribe keeps and unsubscribes the profile, off only notes the event on the profile",
		string(effect.ModeSuppress), string(effect.ModeUnsubscribe), string(effect.ModeOff))
	s.Var(config.Between(&e.Limit, worker.DefaultSuppressionLimit, 0, worker.MaxSuppressionLimit), "SUPPRESSION_LIMIT", "suppressions that bounces may cause in any 60 minutes, for each workspace and counted across workers; each further one waits as a dead letter held_suppression for cioctl dead redrive --reason held_suppression. At most 50000; 0 for no limit. Complaints are never held")
	s.Bool(&e.SuppressUnknown, "SUPPRESS_UNKNOWN_BOUNCE", false, "treat a bounce that is neither hard nor soft as a hard bounce; otherwise the bounce is only noted on the profile")
}

// read makes the policies of the workspaces from the settings and the effects
// files.
func (e *Effects) read(workspaces *config.Workspaces) error {
	var mistakes []error
	open := func(name, path string) policy {
		p := policy{effect.Policy{Mode: effect.Mode(e.Mode), SuppressUnknown: e.SuppressUnknown}, "built-in", ""}
		if path != "" {
			rules, err := effect.ReadRules(name, path)
			p.Rules, p.source, mistakes = rules, path, append(mistakes, err)
			if err == nil {
				p.digest = rules.Digest()
			}
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

// warnings returns the warnings about all effects files, each once.
func (e *Effects) warnings() []string {
	var list []string
	for p := range maps.Values(e.policies) {
		if p.Rules != nil {
			list = append(list, p.Rules.Warnings()...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// reportPolicies logs and measures the policies at the start, because a
// suppression cannot be undone.
func (a *App) reportPolicies() {
	if a.cfg.Effects.DryRun {
		a.Log.Warn().Msg("EFFECTS_DRY_RUN is on: effects are logged and not performed, and the events count as handled")
	}
	for _, w := range a.cfg.Effects.warnings() {
		a.Log.Warn().Msg(w)
	}
	if !slices.Contains(a.cfg.Consumers, Suppression) {
		return
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cioevents_suppression_policy_info",
		Help: "Policy for bounces and complaints, by workspace: the mode, whether an unknown bounce counts as hard, and the source of the rules. Always 1.",
	}, []string{"workspace", "mode", "unknown_bounce", "source"})
	a.Registry.MustRegister(info)
	for _, w := range a.cfg.Workspaces.All() {
		p := a.cfg.Effects.policies[w.Name]
		info.WithLabelValues(w.Name, string(p.Mode), strconv.FormatBool(p.SuppressUnknown), p.source).Set(1)
		a.Log.Info().Str("workspace", w.Name).Str("suppression_mode", string(p.Mode)).
			Bool("suppress_unknown_bounce", p.SuppressUnknown).Int("suppression_limit", a.cfg.Effects.Limit).
			Str("effects", p.source).Msg(p.outcome())
	}
}

// outcome describes the policy's effect on profiles in a sentence.
func (p policy) outcome() string {
	switch {
	case p.Rules != nil && !p.Rules.Suppresses():
		return "no rule suppresses: a bounce or a spam complaint deletes nobody"
	case p.Mode == effect.ModeUnsubscribe:
		return "a hard bounce or a spam complaint unsubscribes the profile"
	case p.Mode == effect.ModeOff:
		return "a hard bounce or a spam complaint is only noted on the profile"
	case p.Rules != nil:
		return "the suppressing rules of the effects file DELETE the profile for good; SUPPRESSION_MODE=unsubscribe keeps the profile"
	default:
		return "a hard bounce or a spam complaint DELETES the profile for good; SUPPRESSION_MODE=unsubscribe keeps the profile"
	}
}
