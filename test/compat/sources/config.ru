# config.ru: PUT stores a body under its path, GET gives it back: a Rack application.
# The rule: what is answered comes from the one Hash, under its Mutex.
values = {}
lock = Mutex.new

run lambda { |env|
  path = env['PATH_INFO']
  if env['REQUEST_METHOD'] == 'PUT'
    body = env['rack.input'].read
    lock.synchronize { values[path] = body }
    status = 200
    answer = "stored #{body.bytesize}"
  else
    answer = lock.synchronize { values[path] }
    status = answer ? 200 : 404
    answer ||= 'none'
  end
  [status, { 'Content-Length' => answer.bytesize.to_s }, [answer]]
}
