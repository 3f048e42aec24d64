package slipway

import "encoding/json"

// DeploySpec deploys services to an environment.
type DeploySpec struct {
	Env            string          `json:"env"`
	Production     bool            `json:"production"`
	DeployType     string          `json:"deploy_type"`
	Source         string          `json:"source"`          // runtime, fromjob
	EnvSource      string          `json:"env_source"`      // runtime, fromjob
	DeployContents []string        `json:"deploy_contents"` // of image, vars, config
	JobName        string          `json:"job_name"`
	VersionName    string          `json:"version_name"`
	Services       []DeployService `json:"services"`
}

// JobType returns JobDeploy.
func (*DeploySpec) JobType() JobType { return JobDeploy }

// DeployService is a service and what of it is deployed.
type DeployService struct {
	ServiceName        string           `json:"service_name"`
	Modules            []DeployModule   `json:"modules"`
	Deployed           bool             `json:"deployed"`
	AutoSync           bool             `json:"auto_sync"`
	UpdateConfig       bool             `json:"update_config"`
	Updatable          bool             `json:"updatable"`
	VariableKVs        []DeployVariable `json:"variable_kvs"`
	VariableYAML       string           `json:"variable_yaml"`
	ValueMergeStrategy string           `json:"value_merge_strategy"` // override, reuse-values
	OverrideKVs        string           `json:"override_kvs"`         // JSON
}

// DeployModule is a module of a service and its image.
type DeployModule struct {
	ServiceModule string `json:"service_module"`
	Image         string `json:"image"`
	ImageName     string `json:"image_name"`
}

// DeployVariable is a variable of a deployed service. Value is any JSON value,
// kept as it came; nil is the empty string. Options is also read from a plain
// string, the spelling of the document's table.
type DeployVariable struct {
	Key                 string          `json:"key"`
	Value               json.RawMessage `json:"value"`
	Type                string          `json:"type"` // string, bool, enum, yaml
	Options             []string        `json:"options" accept:"string"`
	Desc                string          `json:"desc"`
	UseGlobalVariable   bool            `json:"use_global_variable"`
	IsReferenceVariable bool            `json:"is_reference_variable"`
}

// VMDeploySpec deploys services to hosts.
type VMDeploySpec struct {
	Env                 string               `json:"env"`
	Production          bool                 `json:"production"`
	EnvAlias            string               `json:"env_alias"`
	EnvSource           string               `json:"env_source"`
	RefRepos            bool                 `json:"ref_repos"`
	ServiceAndVMDeploys []ServiceAndVMDeploy `json:"service_and_vm_deploys"`
	Source              string               `json:"source"`
	JobName             string               `json:"job_name"`
}

// JobType returns JobVMDeploy.
func (*VMDeploySpec) JobType() JobType { return JobVMDeploy }

// ServiceAndVMDeploy is a service and the artifact of it that goes to hosts.
type ServiceAndVMDeploy struct {
	Repos              []Repo   `json:"repos"`
	ServiceName        string   `json:"service_name"`
	ServiceModule      string   `json:"service_module"`
	DeployName         string   `json:"deploy_name"`
	DeployArtifactType string   `json:"deploy_artifact_type"` // image, file, other
	ArtifactURL        string   `json:"artifact_url"`
	FileName           string   `json:"file_name"`
	Image              string   `json:"image"`
	KeyVals            []KeyVal `json:"key_vals"`
}

// DistributeImageSpec copies images to another registry.
type DistributeImageSpec struct {
	Source                   string                  `json:"source"`
	JobName                  string                  `json:"job_name"`
	DistributeMethod         string                  `json:"distribute_method"` // image_push, cloud_sync
	Targets                  []DistributeImageTarget `json:"targets"`
	EnableTargetImageTagRule bool                    `json:"enable_target_image_tag_rule" accept:"string"`
	TargetImageTagRule       string                  `json:"target_image_tag_rule"`
}

// JobType returns JobDistributeImage.
func (*DistributeImageSpec) JobType() JobType { return JobDistributeImage }

// DistributeImageTarget is an image and where it is copied to.
type DistributeImageTarget struct {
	ServiceName   string `json:"service_name"`
	ServiceModule string `json:"service_module"`
	SourceTag     string `json:"source_tag"`
	TargetTag     string `json:"target_tag"`
	ImageName     string `json:"image_name"`
	SourceImage   string `json:"source_image"`
	TargetImage   string `json:"target_image"`
	UpdateTag     bool   `json:"update_tag"`
}

// ApolloSpec changes configuration in Apollo.
type ApolloSpec struct {
	ApolloID      string            `json:"apolloID" also:"apollo_id"`
	NamespaceList []ApolloNamespace `json:"namespaceList" also:"namespace_list"`
}

// JobType returns JobApollo.
func (*ApolloSpec) JobType() JobType { return JobApollo }

// ApolloNamespace is one namespace of an Apollo application and its new values.
type ApolloNamespace struct {
	AppID          string     `json:"appID" also:"app_id"`
	ClusterID      string     `json:"clusterID" also:"cluster_id"`
	Env            string     `json:"env"`
	Namespace      string     `json:"namespace"`
	Type           string     `json:"type"`
	OriginalConfig []ApolloKV `json:"original_config"`
	KV             []ApolloKV `json:"kv"`
}

// ApolloKV is a key in Apollo and its value.
type ApolloKV struct {
	Key string `json:"key"`
	Val string `json:"val"`
}

// NacosSpec changes configuration in Nacos.
type NacosSpec struct {
	NacosID     string      `json:"nacos_id"`
	NamespaceID string      `json:"namespace_id"`
	Source      string      `json:"source"` // fixed, runtime
	NacosDatas  []NacosData `json:"nacos_datas"`
}

// JobType returns JobNacos.
func (*NacosSpec) JobType() JobType { return JobNacos }

// NacosData is one configuration in Nacos and its new content.
type NacosData struct {
	DataID                    string          `json:"data_id"`
	Group                     string          `json:"group"`
	Description               string          `json:"description" also:"desc"`
	Format                    string          `json:"format"`
	Content                   string          `json:"content"`
	OriginalContent           string          `json:"original_content"`
	OriginalContentUpdateTime int64           `json:"original_content_update_time,omitempty"`
	NamespaceID               string          `json:"namespace_id"`
	NamespaceName             string          `json:"namespace_name"`
	Diff                      json.RawMessage `json:"diff,omitempty"`
	Persistence               json.RawMessage `json:"persistence,omitempty"`
}

// SQLSpec runs SQL statements against a database.
type SQLSpec struct {
	ID     string `json:"id"`
	Type   string `json:"type"` // mysql, mariadb
	SQL    string `json:"sql"`
	Source string `json:"source"` // fixed, runtime
}

// JobType returns JobSQL.
func (*SQLSpec) JobType() JobType { return JobSQL }
