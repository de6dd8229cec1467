package manifests_test

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A scaledObject is the part of KEDA's type that is used here, after
// https://keda.sh/docs/2.19/reference/scaledobject-spec. KEDA's own Go type brings
// the whole of client-go and minutes of compiling. A field that is missing here
// fails to decode; add it only after a look at the reference.
type scaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		PollingInterval *int32 `json:"pollingInterval"`
		MinReplicaCount *int32 `json:"minReplicaCount"`
		MaxReplicaCount *int32 `json:"maxReplicaCount"`
		Fallback        *struct {
			FailureThreshold int32 `json:"failureThreshold"`
			Replicas         int32 `json:"replicas"`
		} `json:"fallback"`
		Advanced *struct {
			HorizontalPodAutoscalerConfig *struct {
				Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers []struct {
			Type     string      `json:"type"`
			Metadata natsTrigger `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// A natsTrigger is the metadata of the trigger nats-jetstream, all of it, after
// https://keda.sh/docs/2.19/scalers/nats-jetstream. KEDA wants strings.
type natsTrigger struct {
	Endpoint      string `json:"natsServerMonitoringEndpoint"`
	Account       string `json:"account"`
	Stream        string `json:"stream"`
	Consumer      string `json:"consumer"`
	LagThreshold  string `json:"lagThreshold"`
	ActivationLag string `json:"activationLagThreshold"`
	UseHTTPS      string `json:"useHttps"`
}
