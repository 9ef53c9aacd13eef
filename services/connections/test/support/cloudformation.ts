import { readFileSync } from 'node:fs'
import { parse, type ScalarTag, type YAMLSeq } from 'yaml'

interface Parameter {
  readonly Type: 'String' | 'Number' | 'CommaDelimitedList'
  readonly Default?: string | number
  readonly NoEcho?: boolean
  readonly AllowedPattern?: string
  readonly AllowedValues?: readonly string[]
  readonly MinLength?: number
  readonly MaxLength?: number
}

interface Resource {
  readonly Condition?: string
  readonly Properties: Readonly<Record<string, unknown>>
}

export interface Template {
  readonly Parameters: Readonly<Record<string, Parameter>>
  readonly Conditions: Readonly<Record<string, unknown>>
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>
}

/** Reads a template of `cfn/`; expands short forms (`!Ref X`) to long ones (`{ Ref: X }`). */
export function readTemplate(fileName: string): Template {
  const text = readFileSync(new URL(`../../../../cfn/${fileName}`, import.meta.url), 'utf8')
  return parse(text, { customTags: FUNCTIONS.flatMap(shortForms) })
}

/**
 * Evaluates the template's conditions and functions, for the account 444455556666 and the partition `aws`, and returns
 * its resources and outputs. A reference to a resource becomes its name in angle brackets.
 * @throws Error if a parameter's value is not allowed, or a reference has no target
 */
export function render(template: Template, given: Readonly<Record<string, string>> = {}) {
  const parameters = parameterValues(template, given)
  const value = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(value).filter((item) => item !== NO_VALUE)
    if (typeof node !== 'object' || node === null) return node
    const [[name = '', argument] = []] = Object.entries(node)
    const carryOut = functions[name]
    if (carryOut !== undefined) return carryOut(argument as never)
    if (name.startsWith('Fn::')) throw new Error(`the function ${name} is unknown`)
    const entries = Object.entries(node).map(([key, item]) => [key, value(item)] as const)
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE))
  }
  const refer = (name: string): unknown => {
    if (name in parameters) return parameters[name]
    if (name in PSEUDO_PARAMETERS) return PSEUDO_PARAMETERS[name]
    if (name in template.Resources) return `<${name}>`
    throw new Error(`the reference ${name} has no target`)
  }
  const attribute = (path: string): string => {
    const [name = ''] = path.split('.')
    if (name in template.Resources) return `<${path}>`
    throw new Error(`there is no resource ${name}`)
  }
  const isTrue = (name: string): boolean => {
    if (!(name in template.Conditions)) throw new Error(`there is no condition ${name}`)
    return value(template.Conditions[name]) === true
  }
  const functions: Readonly<Record<string, (argument: never) => unknown>> = {
    Ref: refer,
    'Fn::GetAtt': attribute,
    'Fn::Sub': (text: string) =>
      text.replaceAll(/\$\{([^}]+)\}/g, (_, name) => String(name.includes('.') ? attribute(name) : refer(name))),
    'Fn::If': ([name, then, otherwise]: [string, unknown, unknown]) => value(isTrue(name) ? then : otherwise),
    'Fn::Equals': ([a, b]: [unknown, unknown]) => value(a) === value(b),
    'Fn::Not': ([condition]: [unknown]) => value(condition) !== true,
    'Fn::Join': ([delimiter, list]: [unknown, unknown]) => {
      if (typeof delimiter !== 'string') throw new Error('the delimiter of Fn::Join must be a literal')
      return (value(list) as string[]).join(delimiter)
    },
    'Fn::Split': ([delimiter, text]: [string, unknown]) => String(value(text)).split(delimiter),
  }
  const resources = Object.entries(template.Resources).filter(([, { Condition }]) => !Condition || isTrue(Condition))
  return {
    resources: Object.fromEntries(resources.map(([name, resource]) => [name, value(resource) as Resource])),
    outputs: value(template.Outputs) as Template['Outputs'],
  }
}

function parameterValues({ Parameters }: Template, given: Readonly<Record<string, string>>) {
  const unknown = Object.keys(given).filter((name) => !(name in Parameters))
  if (unknown.length > 0) throw new Error(`there is no parameter ${unknown}`)
  const entries = Object.entries(Parameters).map(([name, parameter]) => {
    const text = given[name] ?? parameter.Default
    if (text === undefined) throw new Error(`the parameter ${name} is missing`)
    const values = parameter.Type === 'CommaDelimitedList' ? String(text).split(',') : [String(text)]
    if (!values.every((value) => isAllowed(parameter, value))) throw new Error(`${name} must not be ${text}`)
    return [name, parameter.Type === 'CommaDelimitedList' ? values : text] as const
  })
  return Object.fromEntries<unknown>(entries)
}

function isAllowed({ AllowedPattern, AllowedValues, MinLength, MaxLength }: Parameter, value: string): boolean {
  return (
    (AllowedPattern === undefined || new RegExp(`^(?:${AllowedPattern})$`).test(value)) &&
    (AllowedValues === undefined || AllowedValues.includes(value)) &&
    value.length >= (MinLength ?? 0) &&
    value.length <= (MaxLength ?? Number.POSITIVE_INFINITY)
  )
}

function shortForms(name: string) {
  const longName = name === 'Ref' ? name : `Fn::${name}`
  const scalar: ScalarTag = { tag: `!${name}`, resolve: (text) => ({ [longName]: text }) }
  const list = {
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (node: YAMLSeq) => ({ [longName]: node.toJSON() }),
  }
  return [scalar, list]
}

const FUNCTIONS = ['Ref', 'GetAtt', 'Sub', 'If', 'Equals', 'Not', 'Join', 'Split']

const NO_VALUE = Symbol('AWS::NoValue')

const PSEUDO_PARAMETERS: Readonly<Record<string, unknown>> = {
  'AWS::AccountId': '444455556666',
  'AWS::Partition': 'aws',
  'AWS::NoValue': NO_VALUE,
}
