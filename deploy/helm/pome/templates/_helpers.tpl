{{- define "pome.name" -}}
{{- if contains "pome" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-pome" (.Release.Name | trunc 58 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "pome.selector" -}}
app.kubernetes.io/name: pome
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pome.labels" -}}
{{ include "pome.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
