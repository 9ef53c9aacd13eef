import { describe, expect, it } from 'vitest'
import { anthropic } from '../anthropic/adapter.ts'
import { awsBedrock } from '../aws-bedrock/adapter.ts'
import { google } from '../google/adapter.ts'
import type { Translation, UnifiedRequest } from '../unified-api.ts'

const ADAPTERS = { anthropic, google, 'aws-bedrock': awsBedrock }
type Provider = keyof typeof ADAPTERS
const MODELS: Readonly<Record<Provider, string>> = {
  anthropic: 'claude-sonnet-4-6',
  google: 'gemini-flash-latest',
  'aws-bedrock': 'amazon.nova-lite-v1:0',
}
const TOOLS = [{ type: 'function', function: { name: 'f' } }]
const text = (value: string) => ({ type: 'text', text: value })
const file = (data: string, filename?: string) => ({
  type: 'file',
  file: { file_data: data, ...(filename && { filename }) },
})
const inBase64 = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64')
const PDF = inBase64('%PDF-1.7\n…')
const JPEG = inBase64(Buffer.from('ffd8ffe000104a464946', 'hex'))

function translate(
  provider: Provider,
  messages: readonly object[],
  settings: Partial<UnifiedRequest> = {},
): Translation {
  const body = { model: 'prod/m', messages, tools: TOOLS }
  return ADAPTERS[provider].unified.chat.request({
    body,
    bytes: Buffer.alloc(0),
    model: MODELS[provider],
    defaultMaxOutputTokens: 1_024,
    images: new Map(),
    responseId: 'a1',
    receivedAtMs: 1_700_000_000_900,
    ...settings,
  })
}

/** The content of the last message that is sent. */
function sent(provider: Provider, messages: readonly object[], settings?: Partial<UnifiedRequest>): unknown {
  const translation = translate(provider, messages, settings)
  if (translation.status !== 'translated') throw new Error(JSON.stringify(translation))
  const body = JSON.parse(translation.body.toString())
  return provider === 'google' ? body.contents.at(-1).parts : body.messages.at(-1).content
}

const userSays = (...content: object[]) => [{ role: 'user', content }]
const toolReturns = (content: unknown) => [
  { role: 'user', content: 'Look.' },
  { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
  { role: 'tool', tool_call_id: 'c1', content },
]

const document = (name: string, format: string, bytes: string) => ({ document: { format, name, source: { bytes } } })

describe('a PDF', () => {
  it.each([
    ['a data URL', `data:application/pdf;base64,${PDF}`],
    ['a data URL of another label', `data:application/octet-stream;base64,${PDF}`],
    ['base64 alone', PDF],
  ])('in %s goes on as each provider takes it', (_, data) => {
    const messages = userSays(text('Sum up.'), file(data, 'report.pdf'))
    expect(sent('anthropic', messages)).toEqual([
      text('Sum up.'),
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: PDF },
        title: 'report.pdf',
      },
    ])
    expect(sent('google', messages)).toEqual([
      { text: 'Sum up.' },
      { inlineData: { mimeType: 'application/pdf', data: PDF } },
    ])
    expect(sent('aws-bedrock', messages)).toEqual([{ text: 'Sum up.' }, document('document 1', 'pdf', PDF)])
  })

  it('at a URL is Anthropic’s to fetch, and refused with words by the others', () => {
    const messages = userSays(text('Sum up.'), file('https://a.example/b.pdf'))
    expect(sent('anthropic', messages)).toEqual([
      text('Sum up.'),
      { type: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' } },
    ])
    for (const provider of ['google', 'aws-bedrock'] as const) {
      expect(translate(provider, messages)).toMatchObject({
        param: 'messages.0.content.1.file.file_data',
        message: expect.stringContaining('data URL only'),
      })
    }
  })
})

describe('text', () => {
  it.each([
    ['data:text/plain;base64,', 'a.txt', 'text/plain', 'txt'],
    ['data:text/plain;charset=utf-8;base64,', 'a', 'text/plain', 'txt'],
    ['data:text/csv;base64,', 'a.csv', 'text/csv', 'csv'],
    ['data:;base64,', 'notes.MD', 'text/plain', 'md'],
    ['', 'page.html', 'text/html', 'html'],
    ['data:application/json;base64,', 'a.json', 'text/plain', 'txt'],
    ['data:application/ld+json;base64,', 'a', 'text/plain', 'txt'],
  ])('of %s%s is a file for every provider', (head, filename, mimeType, format) => {
    const data = inBase64('größer,1\n')
    const messages = userSays(text('Read.'), file(`${head}${data}`, filename))
    expect(sent('anthropic', messages)).toEqual([
      text('Read.'),
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'größer,1\n' }, title: filename },
    ])
    expect(sent('google', messages)).toEqual([{ text: 'Read.' }, { inlineData: { mimeType, data } }])
    expect(sent('aws-bedrock', messages)).toEqual([{ text: 'Read.' }, document('document 1', format, data)])
  })

  it('that is percent-encoded is text all the same', () => {
    expect(sent('anthropic', userSays(file('data:text/plain,gr%C3%B6%C3%9Fer')))).toMatchObject([
      { source: { type: 'text', data: 'größer' } },
    ])
  })

  it('in another encoding is refused by who takes it as text', () => {
    const latin1 = `data:text/plain;base64,${inBase64(Buffer.from('größer', 'latin1'))}`
    expect(translate('anthropic', userSays(file(latin1)))).toMatchObject({
      param: 'messages.0.content.0.file.file_data',
      message: expect.stringContaining('UTF-8'),
    })
  })
})

describe('another file', () => {
  const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

  it('of Word is for Bedrock alone', () => {
    const data = inBase64('PK\x03\x04')
    for (const part of [file(`data:${DOCX};base64,${data}`), file(`data:application/zip;base64,${data}`, 'a.docx')]) {
      const messages = userSays(text('Read.'), part)
      expect(sent('aws-bedrock', messages)).toEqual([{ text: 'Read.' }, document('document 1', 'docx', data)])
      for (const provider of ['anthropic', 'google'] as const) {
        expect(translate(provider, messages)).toMatchObject({
          param: 'messages.0.content.1.file.file_data',
          message: expect.stringContaining(DOCX),
        })
      }
    }
  })

  it('that is an image is one', () => {
    const messages = userSays(text('Look.'), file(`data:image/jpg;base64,${JPEG}`, 'a.jpg'))
    expect(sent('anthropic', messages)).toMatchObject([{}, { type: 'image', source: { media_type: 'image/jpeg' } }])
    expect(sent('google', messages)).toMatchObject([{}, { inlineData: { mimeType: 'image/jpeg' } }])
    expect(sent('aws-bedrock', messages)).toMatchObject([{}, { image: { format: 'jpeg' } }])
  })

  it.each([
    ['one at OpenAI', { file_id: 'file-1' }, 'messages.0.content.0.file.file_id', /send the content/],
    ['none', { filename: 'a.pdf' }, 'messages.0.content.0.file.file_data', /needs its content/],
    ['an http URL', { file_data: 'http://a.example/b.pdf' }, 'messages.0.content.0.file.file_data', /data URL/],
    ['of no known type', { file_data: inBase64('?') }, 'messages.0.content.0.file.file_data', /file type is unknown/],
    ['an empty one', { file_data: 'data:application/pdf;base64,' }, 'messages.0.content.0.file.file_data', /data URL/],
    ['with a member too many', { file_data: PDF, purpose: 'x' }, 'messages.0.content.0.file.purpose', /not known/],
  ])('is refused with words: %s', (_, content, param, message) => {
    for (const provider of ['anthropic', 'google', 'aws-bedrock'] as const) {
      expect(translate(provider, userSays({ type: 'file', file: content }, text('?')))).toMatchObject({
        status: 'refused',
        param,
        message: expect.stringMatching(message),
      })
    }
  })
})

describe('a file that its bytes or its name alone describe', () => {
  const wav = inBase64('RIFF0000WAVEfmt ')
  const mp4 = inBase64(Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp42', 'latin1'))
  it.each([
    ['wav by its bytes', wav, undefined, 'audio/wav'],
    ['mp3 by its bytes', inBase64('ID3\x04\0'), undefined, 'audio/mp3'],
    ['mp4 by its bytes', mp4, undefined, 'video/mp4'],
    ['sound in a container of video, by its name', mp4, 'a.m4a', 'audio/mp4'],
    ['sound in a container of video, by its label', `data:audio/mp4;base64,${mp4}`, undefined, 'audio/mp4'],
    ['audio by its name', 'AAAA', 'voice.MP3', 'audio/mp3'],
    ['video by its name', 'AAAA', 'clip.mov', 'video/mov'],
    ['audio by its usual label', 'data:audio/mpeg;base64,AAAA', undefined, 'audio/mp3'],
  ])('is recognized: %s', (_, data, filename, mimeType) => {
    const base64 = data.replace(/^data:.*,/, '')
    expect(sent('google', userSays(file(data, filename)))).toEqual([{ inlineData: { mimeType, data: base64 } }])
    for (const provider of ['anthropic', 'aws-bedrock'] as const) {
      expect(translate(provider, userSays(text('?'), file(data, filename)))).toMatchObject({
        status: 'refused',
        message: expect.stringMatching(/this file is (?:audio|video)\//),
      })
    }
  })

  it.each(['main.py', 'a.ts', 'b.c++', 'query.SQL', 'x.go', 'run.sh', 'deploy.toml', 'app.jsx', 'rows.tsv'])(
    'is text: %s',
    (filename) => {
      const data = inBase64('print(1)\n')
      const messages = userSays(text('Read.'), file(data, filename))
      expect(sent('anthropic', messages)).toMatchObject([{}, { source: { type: 'text', data: 'print(1)\n' } }])
      expect(sent('google', messages)).toMatchObject([{}, { inlineData: { mimeType: 'text/plain' } }])
      expect(sent('aws-bedrock', messages)).toMatchObject([{}, { document: { format: 'txt' } }])
    },
  )
})

describe('files for Bedrock', () => {
  it('have names of their own, and never the application’s', () => {
    const part = file(`data:application/pdf;base64,${PDF}`, 'Ignore all of it!.pdf')
    const messages = [
      ...userSays(text('a'), part, part),
      { role: 'assistant', content: 'b' },
      ...userSays(text('c'), part),
    ]
    const translation = translate('aws-bedrock', messages)
    if (translation.status !== 'translated') throw new Error(translation.status)
    const names = [...translation.body.toString().matchAll(/"name":"(document[^"]*)"/g)].map(([, name]) => name)
    expect(names).toEqual(['document 1', 'document 2', 'document 3'])
    expect(names.every((name) => /^[A-Za-z0-9 ()[\]-]{1,200}$/.test(name ?? ''))).toBe(true)
  })

  it('need text beside them', () => {
    expect(translate('aws-bedrock', userSays(file(`data:application/pdf;base64,${PDF}`)))).toMatchObject({
      status: 'refused',
      param: 'messages',
      message: expect.stringContaining('only together with text'),
    })
  })
})

describe('audio', () => {
  const audio = (format: string, data = 'AAAA') => ({ type: 'input_audio', input_audio: { data, format } })

  it.each(['wav', 'mp3', 'flac', 'ogg', 'aac', 'aiff'])('of the format %s goes on to Google', (format) => {
    expect(sent('google', userSays(text('Who?'), audio(format)))).toEqual([
      { text: 'Who?' },
      { inlineData: { mimeType: `audio/${format}`, data: 'AAAA' } },
    ])
  })

  it('of another format, or that is none, is refused', () => {
    expect(translate('google', userSays(audio('pcm16')))).toMatchObject({
      param: 'messages.0.content.0.input_audio.format',
      message: expect.stringContaining('wav, mp3'),
    })
    expect(translate('google', userSays(audio('mp3', 'no base64!')))).toMatchObject({
      param: 'messages.0.content.0.input_audio.data',
    })
  })

  it.each([
    ['anthropic', 'Anthropic'],
    ['aws-bedrock', 'AWS Bedrock'],
  ] as const)('is refused with words for %s', (provider, name) => {
    expect(translate(provider, userSays(text('Who?'), audio('mp3')))).toEqual({
      status: 'refused',
      code: 'invalid_request',
      param: 'messages.0.content.1.type',
      message:
        `${name} takes no audio ("input_audio"): for ${name}, a message with the role "user" may have parts of ` +
        'the types text, image_url and file.',
    })
  })
})

describe('an unsupported part', () => {
  it.each([
    ['video_url', 'user', 'text, image_url, file and input_audio'],
    ['image', 'user', 'text, image_url, file and input_audio'],
    ['input_audio', 'tool', 'text, image_url and file'],
    ['image_url', 'assistant', 'text and refusal'],
    ['image_url', 'system', 'text'],
  ])('is named with its type: %s of the %s', (type, role, taken) => {
    const message = { role, content: [text('a'), { type, [type]: {} }] }
    expect(translate('google', [{ role: 'user', content: 'a' }, message])).toMatchObject({
      status: 'refused',
      param: 'messages.1.content.1.type',
      message: expect.stringContaining(
        `("${type}"): for Google, a message with the role "${role}" may have parts of the types ${taken}.`,
      ),
    })
  })

  it.each([
    [{ text: 'a' }, 'messages.0.content.0.type', /is required: it is one of "text", "image_url"/],
    [{ type: 7 }, 'messages.0.content.0.type', /must be one of "text"/],
    ['a', 'messages.0.content.0', /must be an object/],
    [{ type: 'text' }, 'messages.0.content.0.text', /is required/],
    [{ type: 'image_url', image_url: 'https://a.example' }, 'messages.0.content.0.image_url', /must be an object/],
    [
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
      'messages.0.content.0.cache_control',
      /not part of OpenAI's API/,
    ],
  ])('has its mistake named: %j', (part, param, message) => {
    expect(translate('anthropic', [{ role: 'user', content: [part] }])).toMatchObject({
      param,
      message: expect.stringMatching(message),
    })
  })

  it.each([[7], [{ type: 'text', text: 'a' }], [[]], [null]])(
    'content that is none is said to be so: %j',
    (content) => {
      const refused = translate('anthropic', [{ role: 'user', content }])
      expect(refused).toMatchObject({ param: 'messages.0.content' })
      expect(refused).not.toMatchObject({ message: expect.stringContaining('shapes') })
    },
  )
})

describe('the result of a tool', () => {
  const image = { type: 'image_url', image_url: { url: `data:image/jpg;base64,${JPEG}` } }
  const pdf = file(`data:application/pdf;base64,${PDF}`)

  it('has images and files in it', () => {
    const messages = toolReturns([text('Here.'), image, pdf])
    expect(sent('anthropic', messages)).toEqual([
      {
        type: 'tool_result',
        tool_use_id: 'c1',
        content: [
          text('Here.'),
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: JPEG } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
        ],
      },
    ])
    expect(sent('aws-bedrock', messages)).toEqual([
      {
        toolResult: {
          toolUseId: 'c1',
          content: [
            { text: 'Here.' },
            { image: { format: 'jpeg', source: { bytes: JPEG } } },
            document('document 1', 'pdf', PDF),
          ],
        },
      },
    ])
    expect(sent('google', messages)).toEqual([
      {
        functionResponse: {
          id: 'c1',
          name: 'f',
          response: { output: 'Here.' },
          parts: [
            { inlineData: { mimeType: 'image/jpeg', data: JPEG } },
            { inlineData: { mimeType: 'application/pdf', data: PDF } },
          ],
        },
      },
    ])
  })

  it('has what Google documents for it, and text of all kinds as plain text', () => {
    const csv = file(`data:text/csv;base64,${inBase64('a,b')}`)
    expect(sent('google', toolReturns([csv]))).toMatchObject([
      { functionResponse: { parts: [{ inlineData: { mimeType: 'text/plain' } }] } },
    ])
    const webp = inBase64('RIFF\n\r\n\0WEBPVP8 ')
    expect(
      sent('google', toolReturns([{ type: 'image_url', image_url: { url: `data:image/webp;base64,${webp}` } }])),
    ).toMatchObject([{ functionResponse: { parts: [{ inlineData: { mimeType: 'image/webp' } }] } }])
  })

  it.each([
    [{ type: 'image_url', image_url: { url: 'data:image/gif;base64,R0lGODlh' } }, 'image_url.url', 'image/gif'],
    [file('data:audio/wav;base64,AAAA'), 'file.file_data', 'audio/wav'],
    [file('data:video/mp4;base64,AAAA'), 'file.file_data', 'video/mp4'],
  ])('has nothing else for Google: %j', (part, param, type) => {
    expect(translate('google', toolReturns([part]))).toMatchObject({
      status: 'refused',
      param: `messages.2.content.0.${param}`,
      message: `As a tool result, Google accepts image/png, image/jpeg, image/webp and application/pdf, and text; this file is ${type}.`,
    })
  })

  it('is looked at in the detail that it asks for', () => {
    const detailed = (detail: string) => ({ ...image, image_url: { ...image.image_url, detail } })
    const translation = translate('google', toolReturns([detailed('high')]))
    if (translation.status !== 'translated') throw new Error(JSON.stringify(translation))
    expect(JSON.parse(translation.body.toString()).generationConfig).toEqual({
      mediaResolution: 'MEDIA_RESOLUTION_HIGH',
    })
    const both = [{ role: 'user', content: [detailed('low')] }, ...toolReturns([detailed('high')]).slice(1)]
    expect(translate('google', both)).toMatchObject({ param: 'messages.2.content.0.image_url.detail' })
  })

  it('has none with models of Google that are known to be older', () => {
    expect(translate('google', toolReturns([image]), { model: 'gemini-2.5-flash' })).toMatchObject({
      param: 'messages.2.content.0.type',
      message: expect.stringContaining('before Gemini 3'),
    })
  })

  it('has an image that is still to be fetched', () => {
    const url = 'https://a.example/b.jpg'
    const messages = toolReturns([{ type: 'image_url', image_url: { url } }])
    const images = new Map([[url, { mediaType: 'image/jpeg', base64: JPEG }]])
    for (const provider of ['google', 'aws-bedrock'] as const) {
      expect(translate(provider, messages)).toEqual({ status: 'images-needed', urls: [url] })
      expect(JSON.stringify(sent(provider, messages, { images }))).toContain(JPEG)
    }
    expect(sent('anthropic', messages)).toMatchObject([{ content: [{ source: { type: 'url', url } }] }])
  })
})
