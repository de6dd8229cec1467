package manifests_test

const account = "CIOEVENTS"
