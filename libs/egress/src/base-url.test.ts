import { describe, expect, it } from 'vitest'
import { baseUrlFault } from './base-url.ts'

const strict = { allowInsecureLoopback: false }
const relaxed = { allowInsecureLoopback: true }

describe('a base URL', () => {
  it.each([
    'https://api.openai.com',
    'https://api.openai.com/v1',
    'https://10.0.0.7:8443/x',
    'https://[2606:4700::1]/',
  ])('may be %s', (url) => {
    expect(baseUrlFault(url, strict)).toBeUndefined()
  })

  it.each(['http://127.0.0.1:9000', 'http://localhost:9000/v1', 'http://[::1]:9000', 'http://127.1'])(
    'may be %s where insecure loopback is allowed, and only there',
    (url) => {
      expect(baseUrlFault(url, relaxed)).toBeUndefined()
      expect(baseUrlFault(url, strict)).toBe('must be an https URL')
    },
  )

  it.each([
    ['http://api.openai.com', 'must be an https URL: http is for loopback only'],
    ['http://10.0.0.7', 'must be an https URL: http is for loopback only'],
    ['http://localhost.example.com', 'must be an https URL: http is for loopback only'],
    ['ftp://127.0.0.1', 'must be an https URL'],
    ['file:///etc/passwd', 'must be an https URL'],
    ['javascript:alert(1)', 'must be an https URL'],
    ['api.openai.com', 'is not an absolute URL'],
    ['https://', 'is not an absolute URL'],
    [' https://api.openai.com', 'must hold no white space: take it out'],
    ['https://api.openai.com/v1 ', 'must hold no white space: take it out'],
    ['https://api.openai.com/v1\n', 'must hold no white space: take it out'],
    ['https://api.openai.com/v\t1', 'must hold no white space: take it out'],
    ['https://api.openai.com/v1\u00a0', 'must hold no white space: take it out'],
    ['https://api.openai.com/v1%20', 'must hold no white space: take it out'],
    ['https://user:pass@api.openai.com', 'must hold no user and no password'],
    ['https://@api.openai.com', 'must hold no user and no password'],
    ['https://api.openai.com?x=1', 'must have no query and no fragment'],
    ['https://api.openai.com/?', 'must have no query and no fragment'],
    ['https://api.openai.com/#x', 'must have no query and no fragment'],
    ['https://169.254.169.254/latest', 'must not be a link-local or metadata address'],
    ['http://169.254.169.254/latest', 'must not be a link-local or metadata address'],
    ['https://0xA9FEA9FE/', 'must not be a link-local or metadata address'],
    ['https://2852039166/', 'must not be a link-local or metadata address'],
    ['https://[fe80::1]/', 'must not be a link-local or metadata address'],
    ['https://[fd00:ec2::254]/', 'must not be a link-local or metadata address'],
    ['https://[::ffff:169.254.169.254]/', 'must not be a link-local or metadata address'],
    ['https://metadata.google.internal/', 'must not be a link-local or metadata address'],
    ['https://METADATA.google.internal./', 'must not be a link-local or metadata address'],
  ])('may not be %s: it %s', (url, fault) => {
    expect(baseUrlFault(url, relaxed)).toBe(fault)
  })
})
