package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DefaultWorkspace is the name of the only workspace if CUSTOMERIO_WORKSPACES names
// no workspaces.
const DefaultWorkspace = "default"

// A Workspace is the configuration of one Customer.io workspace.
type Workspace struct {
	Name string
	// Secrets are the webhook signing keys, more than one during a rotation.
	Secrets []string
	// SiteID and APIKey are the Track API credentials.
	SiteID, APIKey string
	// AppKey is the App API key.
	AppKey string
}

// A Want is a part of a workspace that a program needs.
type Want int

// Parts of a workspace.
const (
	WantSecrets Want = iota
	WantTrack
	WantApp
)

// Workspaces are the settings of all workspaces. Without names there is one
// workspace, DefaultWorkspace, and the variables carry no name.
type Workspaces struct {
	names  List
	single Workspace
	secret string
	set    *Set
	all    []Workspace
}

// Declare adds the settings to the set. Named workspaces have variables only, not
// flags, because their names are not known in advance.
func (w *Workspaces) Declare(s *Set, wants ...Want) {
	w.set = s
	s.Var(&w.names, "CUSTOMERIO_WORKSPACES", "names of several workspaces, equal for ingest and worker: acme,globex. The variables of each workspace then carry its name: CUSTOMERIO_ACME_...")
	if slices.Contains(wants, WantSecrets) {
		s.Secret(&w.secret, "CUSTOMERIO_WEBHOOK_SECRET", "webhook signing key of the workspace; during a rotation the old and the new key, comma-separated")
	}
	if slices.Contains(wants, WantTrack) {
		s.Secret(&w.single.SiteID, "CUSTOMERIO_SITE_ID", "site id of the Track API credentials, for the consumers suppression and engagement")
		s.Secret(&w.single.APIKey, "CUSTOMERIO_TRACK_API_KEY", "API key of the Track API credentials, for the consumers suppression and engagement")
	}
	if slices.Contains(wants, WantApp) {
		s.Secret(&w.single.AppKey, "CUSTOMERIO_APP_API_KEY", "App API key of the workspace, from Customer.io's account settings: it sets up webhooks and reads names")
	}
	s.Check(func() error { return w.load(wants) })
}

// Names returns the names of CUSTOMERIO_WORKSPACES, none without the setting.
func (w *Workspaces) Names() []string { return w.names }

// All returns the workspaces. It is empty before Parse or Load.
func (w *Workspaces) All() []Workspace { return w.all }

func (w *Workspaces) load(wants []Want) error {
	if len(w.names) == 0 {
		w.single.Name = DefaultWorkspace
		w.single.Secrets = SplitList(w.secret)
		w.all = []Workspace{w.single}
		return nil
	}
	w.all = nil
	var mistakes []error
	for _, name := range w.names {
		if !workspaceName.MatchString(name) {
			mistakes = append(mistakes, Invalid("CUSTOMERIO_WORKSPACES", name, "names of at most 63 of a-z, 0-9, '_' and '-', with a letter or a digit first"))
			continue // an impossible name has no variables
		}
		ws, err := w.named(name, wants)
		mistakes = append(mistakes, err)
		for _, other := range w.all {
			mistakes = append(mistakes, collide(other, ws))
		}
		w.all = append(w.all, ws)
	}
	return errors.Join(mistakes...)
}

// collide returns an error if two workspaces share what must tell them apart. With equal
// variables or a common signing key, all events would count for the first workspace. With
// common Track API credentials, events of one workspace would change or delete the people
// of the other: an id means another person there.
func collide(a, b Workspace) error {
	if Variable(a.Name, "") == Variable(b.Name, "") {
		return Invalid("CUSTOMERIO_WORKSPACES", a.Name+","+b.Name, "names whose variables differ: these two both read "+Variable(b.Name, "..."))
	}
	share := func(suffix, what string) error {
		return fmt.Errorf("%s, %s: the workspaces have a common %s; each workspace of Customer.io has its own", Variable(a.Name, suffix), Variable(b.Name, suffix), what)
	}
	if slices.ContainsFunc(a.Secrets, func(key string) bool { return slices.Contains(b.Secrets, key) }) {
		return share("WEBHOOK_SECRET", "signing key")
	}
	if a.SiteID != "" && a.SiteID == b.SiteID {
		return share("SITE_ID", "site id")
	}
	return nil
}

// workspaceName matches a name that fits into a path, a subject and a variable.
var workspaceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (w *Workspaces) named(name string, wants []Want) (Workspace, error) {
	var mistakes []error
	read := func(want Want, suffix string) string {
		if !slices.Contains(wants, want) {
			return ""
		}
		value, err := w.set.secretValue(Variable(name, suffix))
		mistakes = append(mistakes, err)
		return value
	}
	ws := Workspace{
		Name:    name,
		Secrets: SplitList(read(WantSecrets, "WEBHOOK_SECRET")),
		SiteID:  read(WantTrack, "SITE_ID"),
		APIKey:  read(WantTrack, "TRACK_API_KEY"),
		AppKey:  read(WantApp, "APP_API_KEY"),
	}
	return ws, errors.Join(mistakes...)
}

// Variable returns the name of a workspace's variable:
// CUSTOMERIO_<WORKSPACE>_<SUFFIX>, or CUSTOMERIO_<SUFFIX> for DefaultWorkspace.
func Variable(workspace, suffix string) string {
	if workspace == DefaultWorkspace {
		return "CUSTOMERIO_" + suffix
	}
	return "CUSTOMERIO_" + strings.ToUpper(strings.ReplaceAll(workspace, "-", "_")) + "_" + suffix
}

// Value reads a workspace's variable that is not a setting, and returns the name
// and the value of the variable.
func (w *Workspaces) Value(workspace, suffix string) (name, value string) {
	name = Variable(workspace, suffix)
	return name, w.set.getenv(name)
}

// RequireSecrets returns an error that names the missing signing keys.
func (w *Workspaces) RequireSecrets() error {
	var mistakes []error
	for _, ws := range w.all {
		if len(ws.Secrets) == 0 {
			mistakes = append(mistakes, fmt.Errorf("%s: is required; copy the signing key from the page of the reporting webhook in Customer.io", Variable(ws.Name, "WEBHOOK_SECRET")))
		}
	}
	return errors.Join(mistakes...)
}

// RequireTrack returns an error that names the missing Track API credentials.
func (w *Workspaces) RequireTrack() error {
	var mistakes []error
	require := func(name, suffix, value string) {
		if value == "" {
			mistakes = append(mistakes, fmt.Errorf("%s: is required while suppression or engagement runs", Variable(name, suffix)))
		}
	}
	for _, ws := range w.all {
		require(ws.Name, "SITE_ID", ws.SiteID)
		require(ws.Name, "TRACK_API_KEY", ws.APIKey)
	}
	return errors.Join(mistakes...)
}
