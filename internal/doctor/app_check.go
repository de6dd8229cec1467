package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio"
)

// tryApp makes a reading call of each part of the App API.
func tryApp(ctx context.Context, w config.Workspace, cfg customerio.AppConfig, wrong error) []Verdict {
	key := config.Variable(w.Name, "APP_API_KEY")
	if w.AppKey == "" {
		return skipped(key + " is not set here: webhook, names and audit need the key")
	}
	app, err := customerio.NewApp(cfg)
	if err := cmp.Or(wrong, err); err != nil {
		return failed(err.Error(), wrongSetting)
	}
	var denied []string
	scopes := app.Scopes(ctx)
	for i, s := range scopes {
		switch {
		case customerio.IsUnauthorized(s.Err) && len(scopes) == 1:
			return failed(s.Err.Error(), appAdvice(ctx, w, cfg))
		case customerio.IsUnauthorized(s.Err):
			denied = append(denied, s.Name)
		case i > 0 && s.Err != nil && ctx.Err() != nil:
			return warned(fmt.Sprintf("key accepted, but the time allowed %d of its parts only: the App API is slow, or the workspaces are many for %d calls a second", i, cmp.Or(cfg.Rate, customerio.DefaultAppRate)),
				"try again; with many workspaces raise APP_API_RATE for this call, to 10 at most, or name a few in CUSTOMERIO_WORKSPACES")
		case s.Err != nil:
			return unreached(fmt.Errorf("try the scope for %s: %w", s.Name, s.Err))
		}
	}
	if len(denied) > 0 {
		return failed("the key may not read "+strings.Join(denied, ", "), "give the App API key these scopes in Customer.io, or create a key with them")
	}
	return ok("key accepted, may read %d parts", len(scopes))
}

// appAdvice tries the usual confusions of a refused App API key.
func appAdvice(ctx context.Context, w config.Workspace, cfg customerio.AppConfig) string {
	key := config.Variable(w.Name, "APP_API_KEY")
	if w.APIKey != "" {
		other := cfg
		other.Key = w.APIKey
		if accepts(ctx, other) {
			return fmt.Sprintf("%s has the App API key: put it into %s, and the Track API key into %[1]s", config.Variable(w.Name, "TRACK_API_KEY"), key)
		}
	}
	if cfg.URL == "" {
		cfg.Region = map[string]string{"us": "eu", "eu": "us"}[cmp.Or(cfg.Region, "us")]
		if accepts(ctx, cfg) {
			return fmt.Sprintf("the key belongs to region %s: set %s=%[1]s", cfg.Region, config.Variable(w.Name, "REGION"))
		}
	}
	return fmt.Sprintf("create a key in Customer.io under Account settings, API credentials, App API keys, for this workspace, and set %s to it", key)
}

// accepts reports whether the App API accepts the key, with whatever scopes.
func accepts(ctx context.Context, cfg customerio.AppConfig) bool {
	app, err := customerio.NewApp(cfg)
	if err != nil {
		return false
	}
	scopes := app.Scopes(ctx)
	return len(scopes) > 1 || scopes[0].Err == nil
}
