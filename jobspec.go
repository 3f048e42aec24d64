package slipway

import "encoding/json"

// JobType names the kind of a Job and with it the struct of its Spec.
type JobType string

// The ten documented job types.
const (
	JobBuild           JobType = "zadig-build"
	JobDeploy          JobType = "zadig-deploy"
	JobVMDeploy        JobType = "zadig-vm-deploy"
	JobTest            JobType = "zadig-test"
	JobScan            JobType = "zadig-scanning"
	JobDistributeImage JobType = "zadig-distribute-image"
	JobFreestyle       JobType = "freestyle"
	JobApollo          JobType = "apollo"
	JobNacos           JobType = "nacos"
	JobSQL             JobType = "sql"
)

// JobTypes lists the documented job types in the order of the document.
func JobTypes() []JobType {
	return []JobType{
		JobBuild, JobDeploy, JobVMDeploy, JobTest, JobScan,
		JobDistributeImage, JobFreestyle, JobApollo, JobNacos, JobSQL,
	}
}

// JobSpec is what a Job does. Its implementations are pointers to the ten
// documented specs and to UnknownSpec.
type JobSpec interface {
	// JobType is the type of job the spec belongs to, "" for UnknownSpec.
	JobType() JobType
}

// NewJobSpec returns the empty spec of a job type.
func NewJobSpec(t JobType) JobSpec {
	switch t {
	case JobBuild:
		return &BuildSpec{}
	case JobDeploy:
		return &DeploySpec{}
	case JobVMDeploy:
		return &VMDeploySpec{}
	case JobTest:
		return &TestSpec{}
	case JobScan:
		return &ScanSpec{}
	case JobDistributeImage:
		return &DistributeImageSpec{}
	case JobFreestyle:
		return &FreestyleSpec{}
	case JobApollo:
		return &ApolloSpec{}
	case JobNacos:
		return &NacosSpec{}
	case JobSQL:
		return &SQLSpec{}
	default:
		return &UnknownSpec{}
	}
}

// UnknownSpec is the spec of a job type outside the document, kept as it came.
type UnknownSpec struct {
	Raw json.RawMessage
}

// JobType returns "": the type stands in the Job.
func (*UnknownSpec) JobType() JobType { return "" }

// BuildSpec builds services.
type BuildSpec struct {
	Source           string            `json:"source"`   // runtime, fixed, fromjob
	JobName          string            `json:"job_name"` // when Source is fromjob
	RefRepos         bool              `json:"ref_repos"`
	ServiceAndBuilds []ServiceAndBuild `json:"service_and_builds"`
}

// JobType returns JobBuild.
func (*BuildSpec) JobType() JobType { return JobBuild }

// ServiceAndBuild is a service and how it is built.
type ServiceAndBuild struct {
	ServiceName   string   `json:"service_name"`
	ServiceModule string   `json:"service_module"`
	BuildName     string   `json:"build_name"`
	Image         string   `json:"image"`
	Package       string   `json:"package"`
	ImageName     string   `json:"image_name"`
	KeyVals       []KeyVal `json:"key_vals"`
	Repos         []Repo   `json:"repos"`
}

// FreestyleSpec runs a script. Run and Timeout are Slipway's own: the local
// engine runs them; the document's fields describe the job for other engines.
type FreestyleSpec struct {
	FreestyleType string             `json:"freestyle_type"` // "" one service, service_freestyle several
	Source        string             `json:"source"`
	JobName       string             `json:"job_name"`
	RefRepos      bool               `json:"ref_repos"`
	Repos         []Repo             `json:"repos"`
	Envs          []KeyVal           `json:"envs"`
	Services      []FreestyleService `json:"services"`
	Run           string             `json:"run,omitempty"`     // shell script
	Timeout       int                `json:"timeout,omitempty"` // seconds, 0: the engine's default
}

// JobType returns JobFreestyle.
func (*FreestyleSpec) JobType() JobType { return JobFreestyle }

// FreestyleService is a service that a freestyle job works on.
type FreestyleService struct {
	ServiceName   string   `json:"service_name"`
	ServiceModule string   `json:"service_module"`
	Repos         []Repo   `json:"repos"`
	KeyVals       []KeyVal `json:"key_vals"`
}

// TestSpec runs tests.
type TestSpec struct {
	TestType        string           `json:"test_type" also:"testing_type"` // "" one service, service_test several
	Source          string           `json:"source"`
	JobName         string           `json:"job_name"`
	RefRepos        bool             `json:"ref_repos"`
	ServiceAndTests []ServiceAndTest `json:"service_and_tests"`
	TestModules     []TestModule     `json:"test_modules"`
}

// JobType returns JobTest.
func (*TestSpec) JobType() JobType { return JobTest }

// ServiceAndTest is a service and a test of it.
type ServiceAndTest struct {
	ServiceName   string   `json:"service_name"`
	ServiceModule string   `json:"service_module"`
	Name          string   `json:"name"`
	KeyVals       []KeyVal `json:"key_vals"`
	Repos         []Repo   `json:"repos"`
}

// TestModule is a test that belongs to no service.
type TestModule struct {
	Name    string   `json:"name"`
	KeyVals []KeyVal `json:"key_vals"`
	Repos   []Repo   `json:"repos"`
}

// ScanSpec scans code. The document's table has another spelling of the type's
// one value as well, which goes with the other spelling of the key.
type ScanSpec struct {
	ScanningType        string           `json:"scanning_type" also:"scannings_type" alsovalue:"service_scanning=service_scannings"` // "" one service, service_scanning several
	Source              string           `json:"source"`
	JobName             string           `json:"job_name"`
	RefRepos            bool             `json:"ref_repos"`
	Scannings           []ScanModule     `json:"scannings" also:"scannings_modules"`
	ServiceAndScannings []ServiceAndScan `json:"service_and_scannings"`
}

// JobType returns JobScan.
func (*ScanSpec) JobType() JobType { return JobScan }

// ScanModule is a scan that belongs to no service.
type ScanModule struct {
	Name    string   `json:"name"`
	Repos   []Repo   `json:"repos"`
	KeyVals []KeyVal `json:"key_vals"`
}

// ServiceAndScan is a service and a scan of it.
type ServiceAndScan struct {
	ServiceName   string   `json:"service_name"`
	ServiceModule string   `json:"service_module"`
	Name          string   `json:"name"`
	Repos         []Repo   `json:"repos"`
	KeyVals       []KeyVal `json:"key_vals"`
}
