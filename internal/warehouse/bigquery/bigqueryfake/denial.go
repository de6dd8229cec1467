package bigqueryfake

import (
	"net/http"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A Denial is a reason why BigQuery answers 403 and PERMISSION_DENIED. The reasons of
// gRPC are those of google.api.ErrorReason
// (https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto).
type Denial struct {
	rest   *restError // nil if the REST calls go on
	reason string     // of the ErrorInfo of gRPC, "" for none
	text   string     // of the Write API, "" if its calls go on
	lacks  []string   // permissions that testIamPermissions does not list
	jobs   bool       // whether rest refuses calls about jobs only
}

// The kinds of Denial.
var (
	// NoBilling is a project without a billing account, which may create tables, but may
	// not stream ("not available through the free tier",
	// https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery). The text is that of
	// https://github.com/aliasoblomov/Backfill-GA4-to-BigQuery/issues/10.
	NoBilling = &Denial{text: "Access Denied: BigQuery BigQuery: Streaming insert is not allowed in the free tier"}
	// BillingDisabled is a project whose billing account is closed. The reason of REST is
	// that of https://github.com/drt-hub/drt/issues/673.
	BillingDisabled = &Denial{
		rest:   &restError{http.StatusForbidden, "billingNotEnabled", "Billing has not been enabled for this project. Enable billing at https://console.cloud.google.com/billing."},
		reason: "BILLING_DISABLED",
		text:   "This API method requires billing to be enabled.",
	}
	// APIDisabled is a project without the API
	// (https://github.com/googleapis/google-cloud-python/issues/4140).
	APIDisabled = &Denial{
		rest:   &restError{http.StatusForbidden, "accessNotConfigured", "Access Not Configured. BigQuery API has not been used in project 1 before or it is disabled."},
		reason: "SERVICE_DISABLED",
		text:   "BigQuery Storage API has not been used in project 1 before or it is disabled.",
	}
	// OutsidePerimeter is a refusal by VPC Service Controls. The reason of REST is that of
	// https://github.com/dust-tt/dust/pull/31983, the ErrorInfo that of
	// https://github.com/cloudquery/cloudquery/issues/1062.
	OutsidePerimeter = &Denial{
		rest:   &restError{http.StatusForbidden, "policyViolation", "VPC Service Controls: Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: id1."},
		reason: "SECURITY_POLICY_VIOLATED",
		text:   "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: id1",
	}
	// NoRole is an account without the permission
	// (https://github.com/googleapis/google-cloud-java/issues/3344).
	NoRole = &Denial{
		rest: &restError{http.StatusForbidden, "accessDenied", "Access Denied: Table p:d.t: The user a@p.iam.gserviceaccount.com does not have bigquery.tables.get permission for table p:d.t."},
		text: "Permission 'TABLES_UPDATE_DATA' denied on resource 'projects/p/datasets/d/tables/t' (or it may not exist).",
	}
	// NoWriting is an account that may read the table, and not append rows, as with
	// roles/bigquery.dataViewer.
	NoWriting = &Denial{text: NoRole.text, lacks: []string{changePermission, updatePermission}}
	// NoUpdating is an account of a custom role that may append rows, and not add columns.
	NoUpdating = &Denial{lacks: []string{updatePermission}}
	// NoReading is an account that may append rows, and not read the table.
	NoReading = &Denial{rest: NoRole.rest}
	// NoJobs is an account that may read tables, and not run jobs
	// (https://github.com/mozilla/bigquery-etl/issues/7581).
	NoJobs = &Denial{jobs: true, rest: &restError{
		http.StatusForbidden, "accessDenied", "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
	}}
	// CostControl is a project whose administrator has set a daily limit for queries
	// (https://github.com/PostHog/posthog/pull/64279).
	CostControl = &Denial{jobs: true, rest: &restError{
		http.StatusForbidden, "quotaExceeded", "Custom quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay, which is set by your administrator.",
	}}
)

// updatePermission is the permission of patchTable
// (https://cloud.google.com/bigquery/docs/access-control#bq-permissions).
const updatePermission = "bigquery.tables.update"

// changePermission is the permission to change rows.
const changePermission = "bigquery.tables.updateData"

// lacks reports whether a Denial takes the permission away. The caller holds the mutex.
func (s *Server) lacks(permission string) bool {
	return s.denial != nil && slices.Contains(s.denial.lacks, permission)
}

// Deny makes the server refuse every later call. Deny(nil) ends the refusals.
func (s *Server) Deny(d *Denial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denial = d
}

// deniedREST returns the error of a REST call, which may be about jobs. The caller holds the
// mutex.
func (s *Server) deniedREST(jobs bool) error {
	if s.denial == nil || s.denial.rest == nil || s.denial.jobs && !jobs {
		return nil
	}
	return s.denial.rest
}

// denied returns the error of a call of the Write API.
func (s *Server) denied() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.denial == nil || s.denial.text == "" {
		return nil
	}
	st := status.New(codes.PermissionDenied, s.denial.text)
	if s.denial.reason == "" {
		return st.Err()
	}
	st, err := st.WithDetails(&errdetails.ErrorInfo{Reason: s.denial.reason, Domain: "googleapis.com"})
	if err != nil {
		return err
	}
	return st.Err()
}
