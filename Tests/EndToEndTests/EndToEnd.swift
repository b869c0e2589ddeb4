import Testing

/// Real `shoal` and `shoal-engine` processes on loopback, one test after the other: the machine is theirs meanwhile.
@Suite(.serialized, .timeLimit(.minutes(5))) enum EndToEnd {}
