{{/* The name of everything: the release's, with the chart's where it says something new. */}}
{{- define "faultwire.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- .Values.fullnameOverride | default $name | trunc 48 | trimSuffix "-" -}}
{{- end }}

{{/* What one part is called. Call with (list $ "a"). */}}
{{- define "faultwire.part" -}}
{{- printf "%s-%s" (include "faultwire.fullname" (index . 0)) (index . 1) -}}
{{- end }}

{{/* What picks out one part's pods; never changes. Call with (list $ "a"). */}}
{{- define "faultwire.selector" -}}
app.kubernetes.io/name: faultwire
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The labels of one part. Call with (list $ "a"). */}}
{{- define "faultwire.labels" -}}
{{ include "faultwire.selector" . }}
{{- with index . 0 }}
app.kubernetes.io/part-of: faultwire
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
{{- end }}

{{- define "faultwire.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Where A is, for whoever calls it. A short name: the first search domain answers it. */}}
{{- define "faultwire.urlOfA" -}}
{{- $service := ternary "a-pods" "a" (eq .Values.upstream "pods") -}}
{{- printf "http://%s:%v" (include "faultwire.part" (list . $service)) .Values.a.port -}}
{{- end }}

{{/* What B calls: the wire where there is one, A else. */}}
{{- define "faultwire.upstreamOfB" -}}
{{- if .Values.wire.enabled -}}
{{- printf "http://%s:%v" (include "faultwire.part" (list . "wire")) .Values.wire.port -}}
{{- else -}}
{{- include "faultwire.urlOfA" . -}}
{{- end -}}
{{- end }}
