# select.pl: keeps values: PUT stores a body under its path, GET gives it back. One select loop.
# The rule: a request is answered when it is there as a whole, from the one hash.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my $server = IO::Socket::INET->new(
    LocalAddr => '0.0.0.0', LocalPort => 8000, Listen => 128, ReuseAddr => 1) or die "listen: $!";
my $select = IO::Select->new($server);
my (%pending, %values);

# The answer to the first whole request of a buffer, which it takes out; undef if there is none.
sub answer {
    my ($buffer) = @_;
    $$buffer =~ /\A(GET|PUT) (\S+) HTTP\/1\.1\r\n(.*?)\r\n\r\n/s or return undef;
    my ($method, $path, $headers, $start) = ($1, $2, $3, $+[0]);
    my $length = $headers =~ /^Content-Length: (\d+)/mi ? $1 : 0;
    return undef if length($$buffer) < $start + $length;
    my $body = substr($$buffer, $start, $length);
    substr($$buffer, 0, $start + $length) = '';
    my ($status, $reply) = ('200 OK', "stored $length");
    if ($method eq 'PUT') { $values{$path} = $body }
    elsif (exists $values{$path}) { $reply = $values{$path} }
    else { ($status, $reply) = ('404 Not Found', 'none') }
    return "HTTP/1.1 $status\r\nContent-Length: " . length($reply) . "\r\n\r\n$reply";
}

while (1) {
    for my $socket ($select->can_read) {
        if ($socket == $server) {
            my $client = $server->accept or next;
            $select->add($client);
            $pending{$client} = '';
            next;
        }
        my $got = sysread($socket, $pending{$socket}, 65536, length $pending{$socket});
        if (!$got) {
            $select->remove($socket);
            delete $pending{$socket};
            close $socket;
            next;
        }
        while (defined(my $reply = answer(\$pending{$socket}))) {
            my $sent = 0;
            $sent += syswrite($socket, $reply, length($reply) - $sent, $sent) // die "write: $!"
                while $sent < length $reply;
        }
    }
}
