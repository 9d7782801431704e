{{/*
One part as a Deployment. Call with a dict: root, part (the component's word), name (the
container's), values (.Values.a and the like), args, and either the port that it serves, which is
where probes ask, or within: what each of the probes asks from within the container, where only
loopback answers. With tmp, /tmp may be written to.
*/}}
{{- define "faultwire.deployment" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $selector := include "faultwire.selector" (list $root .part) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "faultwire.part" (list $root .part) }}
  labels:
    {{- include "faultwire.labels" (list $root .part) | nindent 4 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $values) }}
  replicas: {{ dig "replicas" 1 $values }}
  {{- end }}
  revisionHistoryLimit: 5
  # A pod that cannot start, or whose image is not there, is reported after so long.
  progressDeadlineSeconds: 120
  minReadySeconds: 2
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- $selector | nindent 8 }}
        app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ include "faultwire.terminationGrace" $root }}
      {{- include "faultwire.podSecurity" $root | nindent 6 }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.topologySpread }}
      topologySpreadConstraints:
        {{- range . }}
        - {{ toYaml . | nindent 10 | trim }}
          labelSelector:
            matchLabels:
              {{- $selector | nindent 14 }}
          {{- if semverCompare ">=1.27.0-0" $root.Capabilities.KubeVersion.Version }}
          matchLabelKeys: [pod-template-hash]
          {{- end }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .name }}
          {{- include "faultwire.container" $root | nindent 10 }}
          args:
            {{- toYaml (concat .args $values.extraArgs) | nindent 12 }}
          {{- with $values.env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .port }}
          ports:
            - {name: http, containerPort: {{ . }}, protocol: TCP}
          {{- end }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- if .tmp }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
          {{- end }}
          {{- $within := .within }}
          {{- range $probe, $timing := $root.Values.probes }}
          {{ $probe }}Probe:
            {{- if $within }}
            exec:
              command: [python, /opt/faultwire/healthcheck.py, {{ get $within $probe | quote }}]
            {{- else }}
            httpGet: {path: {{ ternary "/readyz" "/livez" (eq $probe "readiness") }}, port: http}
            {{- end }}
            {{- toYaml $timing | nindent 12 }}
            {{- if and (eq $probe "liveness") (semverCompare ">=1.27.0-0" $root.Capabilities.KubeVersion.Version) }}
            # Who hangs does not drain: it need not be waited for as long.
            terminationGracePeriodSeconds: 10
            {{- end }}
          {{- end }}
      {{- if .tmp }}
      volumes:
        - name: tmp
          emptyDir: {}
      {{- end }}
{{- end }}

{{/* Longer than both phases of the drain, so that nobody is killed in the middle of them. */}}
{{- define "faultwire.terminationGrace" -}}
{{- with .Values.drain }}{{ add .graceSeconds .timeoutSeconds 5 }}{{ end -}}
{{- end }}

{{/* Pod security as the "restricted" standard asks for it. */}}
{{- define "faultwire.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "faultwire.container" -}}
image: {{ include "faultwire.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}
