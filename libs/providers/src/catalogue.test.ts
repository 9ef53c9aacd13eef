import { ProviderId, validate } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { CATALOGUE, catalogueEntry, secretFields } from './catalogue.ts'

it('has every provider, under its id', () => {
  expect(Object.keys(CATALOGUE)).toEqual(ProviderId.anyOf.map((literal) => literal.const))
  for (const [id, entry] of Object.entries(CATALOGUE)) expect(entry.id).toBe(id)
})

it('finds no provider that is not there', () => {
  expect(catalogueEntry('groq')).toBe(CATALOGUE.groq)
  for (const unknown of ['toString', '__proto__', '', 7, undefined]) expect(catalogueEntry(unknown)).toBeUndefined()
})

it('says which fields are secret', () => {
  expect(secretFields(CATALOGUE.openai)).toEqual(['apiKey'])
  expect(secretFields(CATALOGUE['aws-bedrock'])).toEqual([])
})

describe('config', () => {
  it('of openai takes a key that fits in a header', () => {
    const check = (apiKey: string) => validate(CATALOGUE.openai.config, { apiKey }).valid
    expect(check('sk-proj-abc_123')).toBe(true)
    for (const apiKey of ['', 'sk-a b', 'sk-a\r\nx: y', 'sk-a\n', ' sk-a', 'sk-é', 'sk-\u0000']) {
      expect(check(apiKey), JSON.stringify(apiKey)).toBe(false)
    }
  })

  it('of aws-bedrock takes a role, and no keys', () => {
    const role = { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::123456789012:role/team/sluice' }
    const check = (config: object) => validate(CATALOGUE['aws-bedrock'].config, config).valid
    expect(check(role)).toBe(true)
    expect(check({ ...role, region: 'us-gov-west-1', iamRoleArn: 'arn:aws-us-gov:iam::123456789012:role/x' })).toBe(
      true,
    )
    expect(check({ ...role, secretAccessKey: 'x' })).toBe(false)
    expect(check({ ...role, iamRoleArn: 'arn:aws:iam::123456789012:user/x' })).toBe(false)
    expect(check({ ...role, region: 'nowhere' })).toBe(false)
  })
})
