/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
export interface AssumeRoleParameters {
  readonly roleArn: string
  readonly sessionName: string
  readonly externalId?: string
  readonly durationSeconds: number
}

export type ParametersResult =
  | { readonly status: 'valid'; readonly parameters: AssumeRoleParameters }
  | { readonly status: 'invalid'; readonly code: string; readonly message: string }

/** Reads the body of an STS request, which is a query string. */
export function readAssumeRole(body: string): ParametersResult {
  const fields = new URLSearchParams(body)
  const action = fields.get('Action')
  const version = fields.get('Version')
  if (action !== 'AssumeRole' || version !== '2011-06-15') {
    return {
      status: 'invalid',
      code: 'InvalidAction',
      message: `Could not find operation ${action} for version ${version}`,
    }
  }
  const broken = CONSTRAINTS.find(({ name, required, holds }) => {
    const value = fields.get(name)
    return value === null ? required : !holds(value)
  })
  if (broken !== undefined) return invalid(broken.name, fields.get(broken.name))
  const externalId = fields.get('ExternalId')
  return {
    status: 'valid',
    parameters: {
      roleArn: fields.get('RoleArn') ?? '',
      sessionName: fields.get('RoleSessionName') ?? '',
      ...(externalId !== null && { externalId }),
      durationSeconds: Number(fields.get('DurationSeconds') ?? DEFAULT_DURATION_SECONDS),
    },
  }
}

const DEFAULT_DURATION_SECONDS = 3600

interface Constraint {
  readonly name: string
  readonly required: boolean
  holds(value: string): boolean
}

const CONSTRAINTS: readonly Constraint[] = [
  { name: 'RoleArn', required: true, holds: (value) => /^arn:aws:iam::\d{12}:role\/\S{1,512}$/.test(value) },
  { name: 'RoleSessionName', required: true, holds: (value) => /^[\w+=,.@-]{2,64}$/.test(value) },
  { name: 'ExternalId', required: false, holds: (value) => /^[\w+=,.@:/-]{2,1224}$/.test(value) },
  {
    name: 'DurationSeconds',
    required: false,
    holds: (value) => /^\d{1,5}$/.test(value) && Number(value) >= 900 && Number(value) <= 43_200,
  },
]

function invalid(name: string, value: string | null): ParametersResult {
  const field = name.charAt(0).toLowerCase() + name.slice(1)
  return {
    status: 'invalid',
    code: 'ValidationError',
    message: `1 validation error detected: Value '${value}' at '${field}' failed to satisfy its constraint`,
  }
}
